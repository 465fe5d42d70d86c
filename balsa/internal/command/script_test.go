// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// startOfTime is the clock at which each script begins, in Unix milliseconds.
const startOfTime = 1_000_000_000_000

// TestScripts plays testdata/*.txt. A line that begins with "> " is a command, the
// lines after it are its reply; "+ 1500" lets 1500 ms go by; "# " begins a comment.
// An empty line begins anew, with an empty machine.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScript()
	var want []string
	where, got := "", ""
	check := func() {
		if joined := strings.Join(want, "\n"); where != "" && joined != got {
			t.Errorf("%s\n got: %s\nwant: %s", where, got, joined)
		}
		where, want = "", nil
	}
	for n, line := range strings.Split(string(text), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case ">":
			check()
			where, got = file+":"+strconv.Itoa(n+1)+": "+rest, s.do(rest)
		case "+":
			check()
			s.wait(t, rest)
		case "#", "":
			check()
			if line == "" {
				s = newScript()
			}
		default:
			want = append(want, line)
		}
	}
	check()
}

// script is one client of one machine.
type script struct {
	machine *kv.Machine
	now     int64
	index   raft.Index
}

func newScript() *script { return &script{machine: kv.NewMachine(), now: startOfTime} }

func (s *script) wait(t *testing.T, text string) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.now += n
}

// do returns the reply to a command, with its lines joined by spaces.
func (s *script) do(line string) string {
	args := split(line)
	spec, err := command.Find(args)
	if err != nil {
		return "-" + err.Error()
	}
	var c kv.Command
	if err := spec.Parse(args, s.now, &c); err != nil {
		return "-" + err.Error()
	}
	s.index++
	replies := s.machine.Apply([]raft.Entry{{Index: s.index, Data: c.Append(nil)}})
	return strings.ReplaceAll(strings.TrimSuffix(string(replies[0]), "\r\n"), "\r\n", " ")
}

// split splits a command at spaces; "" stands for an empty argument, and x**n for n
// times x.
func split(line string) (args [][]byte) {
	for word := range strings.FieldsSeq(line) {
		if word == `""` {
			word = ""
		}
		if unit, times, ok := strings.Cut(word, "**"); ok {
			n, _ := strconv.Atoi(times)
			word = strings.Repeat(unit, n)
		}
		args = append(args, []byte(word))
	}
	return args
}
