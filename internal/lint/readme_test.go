// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme compiles the program in README.md, so that it keeps up with the API, and
// holds it to the 60 lines that a start should take.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\n")
	program, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md has no Go program")
	}
	if n := strings.Count(program, "\n"); n > 60 {
		t.Errorf("the program has %d lines, the most is 60", n)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.Command("go", "vet", file)
	vet.Dir = "../.."
	if output, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, output)
	}
}
