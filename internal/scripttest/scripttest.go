// SPDX-License-Identifier: Apache-2.0

package scripttest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	prompt  = "> "
	comment = "#"
)

// Run hands the commands of the transcript at path to do, one after the other, and
// compares what do returns with what the transcript says. If update is true it writes
// the transcript anew instead. It must be called by the test's own goroutine, as do will.
func Run(t *testing.T, path string, update bool, do func(command string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("scripttest: read transcript: %v", err)
	}
	got := Replay(string(text), do)
	if got == string(text) {
		return
	}
	if !update {
		t.Fatalf("scripttest: %s:%s", path, Difference(string(text), got))
	}
	if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
		t.Fatalf("scripttest: write transcript: %v", err)
	}
}

// Replay returns the transcript with the output of its commands replaced by what do
// returns.
func Replay(transcript string, do func(command string) string) string {
	var out strings.Builder
	isOutput := false
	for line := range strings.Lines(transcript) {
		line = strings.TrimRight(line, " \n")
		command, isCommand := strings.CutPrefix(line, prompt)
		switch {
		case isCommand:
			out.WriteString(line + "\n")
			if output := strings.TrimRight(do(command), "\n"); output != "" {
				out.WriteString(output + "\n")
			}
			isOutput = true
		case line == "" || strings.HasPrefix(line, comment):
			out.WriteString(line + "\n")
			isOutput = false
		case !isOutput:
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// Difference names the first line in which the texts differ, with what both say there;
// it is empty if they don't differ.
func Difference(want, got string) string {
	if want == got {
		return ""
	}
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	n := 0
	for n < len(wanted) && n < len(gotten) && wanted[n] == gotten[n] {
		n++
	}
	return fmt.Sprintf("%d: the transcript says\n\t%s\nbut what came is\n\t%s", n+1, around(wanted, n), around(gotten, n))
}

// linesShown is how many lines are shown of each text, from the first that differs.
const linesShown = 8

func around(lines []string, n int) string {
	return strings.Join(lines[n:min(n+linesShown, len(lines))], "\n\t")
}
