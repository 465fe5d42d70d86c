// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/kv/kvtest"
)

// pair is a machine of each engine. They must never differ.
type pair struct {
	disk   *Machine
	memory *kv.Machine
}

func newPair(t testing.TB) pair { return pair{openIn(t, vfs.NewMem()), kv.NewMachine()} }

// apply applies entries to both and returns the replies.
func (p pair) apply(t testing.TB, entries ...raft.Entry) [][]byte {
	t.Helper()
	got, want := p.disk.Apply(entries), p.memory.Apply(entries)
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("command %d is replied to with %.200q on disk, and %.200q in memory", entries[i].Index, got[i], want[i])
		}
	}
	return want
}

func (p pair) checkEqual(t testing.TB) {
	t.Helper()
	if p.disk.Keys() != p.memory.Keys() || p.disk.Applied() != p.memory.Applied() || p.disk.Summarize() != p.memory.Summarize() {
		t.Fatalf("on disk %d keys and %+v, in memory %d keys and %+v", p.disk.Keys(), p.disk.Summarize(), p.memory.Keys(), p.memory.Summarize())
	}
	var disk, memory bytes.Buffer
	if err := p.disk.WriteDump(&disk); err != nil {
		t.Fatal(err)
	}
	if err := p.memory.WriteDump(&memory); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(disk.Bytes(), memory.Bytes()) {
		t.Fatalf("dumps differ:\n%.1000s\n%.1000s", &disk, &memory)
	}
	if !bytes.Equal(read(t, p.disk), read(t, p.memory)) {
		t.Fatal("snapshots differ")
	}
}

// read returns a machine's snapshot.
func read(t testing.TB, machine raft.Snapshotter) []byte {
	t.Helper()
	c, err := machine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	data, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEnginesAreEqual(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		p := newPair(t)
		for entries := kvtest.Log(random, 1500); len(entries) > 0; {
			n := min(1+random.IntN(80), len(entries))
			p.apply(t, entries[:n]...)
			entries = entries[n:]
			switch random.IntN(12) {
			case 0:
				p.checkEqual(t)
			case 1: // Each goes on with the other's snapshot.
				disk, memory := read(t, p.disk), read(t, p.memory)
				if err := p.disk.Restore(bytes.NewReader(memory)); err != nil {
					t.Fatal(err)
				}
				if err := p.memory.Restore(bytes.NewReader(disk)); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.checkEqual(t)
	}
}

func TestManyExpireAtOnce(t *testing.T) {
	p := newPair(t)
	index := raft.Index(0)
	do := func(c kv.Command) string {
		index++
		return string(p.apply(t, raft.Entry{Index: index, Term: 1, Data: c.Append(nil)})[0])
	}
	fill := func(n int, at int64) {
		for i := range n {
			do(kv.Command{Op: kv.OpSet, Flags: kv.FlagAbsolute, Number: at, Args: [][]byte{fmt.Append(nil, "key", i), nil}})
		}
	}
	fill(200, 100)
	for now := range int64(4) {
		do(kv.Command{Op: kv.OpGet, Now: 100 + now, Args: [][]byte{nil}})
		p.checkEqual(t)
	}
	fill(100, 50) // It has expired already, and lies before what has been looked at.
	p.checkEqual(t)
	fill(100, math.MaxInt64)
	do(kv.Command{Op: kv.OpGet, Now: math.MaxInt64, Args: [][]byte{nil}})
	if got := do(kv.Command{Op: kv.OpDBSize, Now: math.MaxInt64}); got != ":0\r\n" {
		t.Errorf("%q keys are left at the end of time", got)
	}
	fill(3, math.MaxInt64)
	do(kv.Command{Op: kv.OpScan, Number: -1})
	do(kv.Command{Op: kv.OpScan, Number: 1 << 48})
	p.checkEqual(t)
}

// TestScripts plays the scripts of package command on both engines; see there.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../command/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(string(text), "\n\n") {
				playScript(t, part)
			}
		})
	}
}

func playScript(t *testing.T, text string) {
	p, now, index := newPair(t), int64(1_000_000_000_000), raft.Index(0)
	var got []string
	check := func() {
		if len(got) > 0 && got[0] != strings.Join(got[2:], "\n") {
			t.Errorf("%s\n got: %s\nwant: %s", got[1], got[0], strings.Join(got[2:], "\n"))
		}
		got = nil
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		switch mark, rest, _ := strings.Cut(line, " "); mark {
		case ">":
			check()
			index++
			got = []string{p.play(t, rest, now, index), rest}
		case "+":
			check()
			n, err := strconv.ParseInt(rest, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			now += n
		case "#", "":
			check()
		default:
			got = append(got, line)
		}
	}
	check()
	p.checkEqual(t)
}

// play returns the reply to a line of a script, with its lines joined by spaces.
func (p pair) play(t *testing.T, line string, now int64, index raft.Index) string {
	var args [][]byte
	for word := range strings.FieldsSeq(line) {
		if unit, times, ok := strings.Cut(word, "**"); ok {
			n, _ := strconv.Atoi(times)
			word = strings.Repeat(unit, n)
		}
		args = append(args, []byte(strings.ReplaceAll(word, `""`, "")))
	}
	spec, err := command.Find(args)
	var c kv.Command
	if err == nil {
		err = spec.Parse(args, now, &c)
	}
	if err != nil {
		return "-" + err.Error()
	}
	reply := string(p.apply(t, raft.Entry{Index: index, Term: 1, Data: c.Append(nil)})[0])
	return strings.ReplaceAll(strings.TrimSuffix(reply, "\r\n"), "\r\n", " ")
}

func TestSnapshotOfManyItems(t *testing.T) {
	p := newPair(t)
	var entries []raft.Entry
	for i := range 5000 {
		c := kv.Command{Op: kv.OpSet, Args: [][]byte{fmt.Append(nil, "key", i), make([]byte, i%300)}}
		entries = append(entries, raft.Entry{Index: raft.Index(i + 1), Term: 1, Data: c.Append(nil)})
	}
	for batch := range slices.Chunk(entries, 700) {
		p.apply(t, batch...)
	}
	p.checkEqual(t)
	data := read(t, p.memory)
	if err := p.disk.Restore(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	p.checkEqual(t)
}
