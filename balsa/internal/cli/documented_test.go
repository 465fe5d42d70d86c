// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumented: the commands that docs/admin.md lists are those that there are, and the codes of errors that the
// port answers are listed, too.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Commands\n")
	section, _, _ = strings.Cut(section, "\n## ")
	name := regexp.MustCompile("`([a-z-]+)`")
	var listed, there []string
	for line := range strings.Lines(section) {
		first, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for _, match := range name.FindAllStringSubmatch(first, -1) {
			if isRow && strings.HasPrefix(line, "| `") {
				listed = append(listed, match[1])
			}
		}
	}
	for _, cmd := range adminCommands() {
		there = append(there, cmd.Name())
	}
	slices.Sort(listed)
	slices.Sort(there)
	if !slices.Equal(listed, there) {
		t.Errorf("listed are %q, and there are %q", listed, there)
	}
	source, err := os.ReadFile("../admin/failure.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	for _, code := range codes {
		if !strings.Contains(string(text), "| `"+code[1]+"` |") {
			t.Errorf("the code %s is not listed", code[1])
		}
	}
	if len(listed) == 0 || len(codes) == 0 {
		t.Errorf("%d commands and %d codes were found", len(listed), len(codes))
	}
}
