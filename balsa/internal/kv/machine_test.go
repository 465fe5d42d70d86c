// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
)

// randomLog draws commands over few keys with clocks that jump, also backwards.
func randomLog(random *rand.Rand, length int) []raft.Entry {
	now := int64(1_000_000)
	entries := make([]raft.Entry, length)
	for i := range entries {
		now += random.Int64N(40) - 10
		o := Op(1 + random.IntN(int(opLast)))
		if o == OpFlush && random.IntN(10) != 0 {
			o = OpSet
		}
		c := op(o).at(now, 0)
		for range operations[o].argsMin {
			c.Args = append(c.Args, fmt.Appendf(nil, "%d", random.IntN(50)))
		}
		if o == OpSet || o == OpExpire {
			c = c.at(now, 1+random.Int64N(100))
		}
		entries[i] = raft.Entry{Index: raft.Index(i + 1), Data: c.Append(nil)}
	}
	return entries
}

func TestSameLogGivesSameStateAndReplies(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		entries := randomLog(random, 2000)
		one, other := NewMachine(), NewMachine()
		want := one.Apply(entries)
		checkBounds(t, entries, want)
		var got [][]byte
		for rest := entries; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 50))
			got = append(got, other.Apply(rest[:n])...)
			rest = rest[n:]
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: replies depend on how the log is cut into batches", seed)
		}
		if a, b := one.Summarize(), other.Summarize(); a != b {
			t.Fatalf("seed %d: states differ: %+v and %+v", seed, a, b)
		}
		if a, b := one.Dump(), other.Dump(); len(a) == 0 || !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: dumps differ or are empty", seed)
		}
	}
}

func checkBounds(t *testing.T, entries []raft.Entry, replies [][]byte) {
	t.Helper()
	for i, reply := range replies {
		var c Command
		if err := c.Decode(entries[i].Data); err != nil {
			t.Fatal(err)
		}
		if isError := reply[0] == '-'; !isError && len(reply) > c.ReplyBound() {
			t.Fatalf("operation %d has a reply of %d bytes, more than its bound of %d", c.Op, len(reply), c.ReplyBound())
		}
	}
}

func TestSummaryTellsStatesApart(t *testing.T) {
	states := map[string][]Command{
		"empty":         {op(OpDBSize).at(5, 0)},
		"one key":       {op(OpSet, "a", "1").at(5, 0)},
		"other value":   {op(OpSet, "a", "2").at(5, 0)},
		"other key":     {op(OpSet, "b", "1").at(5, 0)},
		"with expiry":   {op(OpSet, "a", "1").at(5, 9)},
		"other clock":   {op(OpSet, "a", "1").at(6, 0)},
		"moved content": {op(OpSet, "a1", "").at(5, 0)},
	}
	seen := map[string]string{}
	for name, commands := range states {
		p := newPlayer()
		for _, c := range commands {
			p.do(c)
		}
		hash := p.machine.Summarize().Hash
		if other, ok := seen[hash]; ok {
			t.Errorf("%q and %q have the same hash", name, other)
		}
		seen[hash] = name
	}
}

// TestStateSurvivesTheBatch changes the entries after they were applied, as the
// library may.
func TestStateSurvivesTheBatch(t *testing.T) {
	m := NewMachine()
	c := op(OpSet, "key", "value")
	data := c.Append(nil)
	m.Apply([]raft.Entry{{Index: 1, Data: data}})
	clear(data)
	want := []KeyValue{{Key: "key", Value: "value"}}
	if got := m.Dump(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRepliesSurviveLaterCommands checks that what a GET returned stays what it was.
func TestRepliesSurviveLaterCommands(t *testing.T) {
	m := NewMachine()
	var entries []raft.Entry
	for i, c := range []Command{
		op(OpSet, "a", "1"), op(OpGet, "a"), op(OpAppend, "a", "2"), op(OpSet, "a", "3"), op(OpDel, "a"),
	} {
		entries = append(entries, raft.Entry{Index: raft.Index(i + 1), Data: c.Append(nil)})
	}
	if got, want := string(m.Apply(entries)[1]), "$1\r\n1\r\n"; got != want {
		t.Errorf("the reply became %q, want %q", got, want)
	}
}

func TestExpiredKeysAreFreedAFewAtATime(t *testing.T) {
	p := newPlayer()
	const keys = 3 * evictionsPerCommand
	for i := range keys {
		p.do(op(OpSet, fmt.Sprint("key", i), "v").at(10, 5))
	}
	for left := keys - evictionsPerCommand; left >= 0; left -= evictionsPerCommand {
		p.do(op(OpGet, "none").at(15, 0))
		if got := p.machine.Keys(); got != left {
			t.Fatalf("%d keys in memory, want %d", got, left)
		}
		if got := p.machine.Summarize().Keys; got != 0 {
			t.Fatalf("%d keys in the summary, want none", got)
		}
	}
	if got := len(p.machine.memory.expiries); got != 0 {
		t.Errorf("%d expiries left", got)
	}
}

func TestACommandOfANewerVersionHalts(t *testing.T) {
	p := newPlayer()
	p.do(op(OpSet, "a", "1"))
	before := p.machine.Summarize()
	newer := op(OpGet, "a")
	data := changed(newer.Append(nil), 1, byte(opLast)+1)
	p.machine.Apply([]raft.Entry{{Index: 2, Data: data}})
	select {
	case <-p.machine.Halted():
	default:
		t.Fatal("not halted")
	}
	if err := p.machine.Err(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Err is %v, want ErrUnsupported", err)
	}
	if got := p.do(op(OpSet, "a", "2")); got != string(replyHalted) || !strings.HasPrefix(got, "-UNKNOWN ") {
		t.Errorf("a later command got %q", got)
	}
	if after := p.machine.Summarize(); after != before {
		t.Errorf("the state went on from %+v to %+v", before, after)
	}
}
