// SPDX-License-Identifier: Apache-2.0

package scripttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const transcript = `# A heading.

> say one
one
> nothing
> say two three
two
three

# The end.
`

func say(command string) string {
	words := strings.Fields(command)
	if words[0] != "say" {
		return ""
	}
	return strings.Join(words[1:], "\n")
}

func TestReplay(t *testing.T) {
	if got := Replay(transcript, say); got != transcript {
		t.Fatalf("a true transcript becomes\n%s", got)
	}
	stale := strings.Replace(strings.Replace(transcript, "one\n>", "eins\nzwei\n>", 1), "two\nthree\n", "", 1)
	if got := Replay(stale, say); got != transcript {
		t.Fatalf("a stale transcript becomes\n%s", got)
	}
	if got := Replay("words before\n> say one", say); got != "words before\n> say one\none\n" {
		t.Fatalf("a transcript without an end becomes\n%s", got)
	}
}

func TestDifference(t *testing.T) {
	if got := Difference(transcript, transcript); got != "" {
		t.Fatalf("equal texts differ: %s", got)
	}
	got := Difference(transcript, strings.Replace(transcript, "two\n", "zwei\n", 1))
	if !strings.HasPrefix(got, "7:") || !strings.Contains(got, "zwei") {
		t.Fatalf("the difference is %q", got)
	}
	if got := Difference("a\n", ""); !strings.HasPrefix(got, "1:") {
		t.Fatalf("the difference is %q", got)
	}
}

func TestUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stale.txt")
	if err := os.WriteFile(path, []byte("> say one\neins\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, path, true, say)
	Run(t, path, false, say)
	if text, err := os.ReadFile(path); err != nil || string(text) != "> say one\none\n" {
		t.Fatalf("the transcript is %q, %v", text, err)
	}
}
