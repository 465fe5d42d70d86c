// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// brokenLog is a log that breaks what a LogStore promises.
type brokenLog struct {
	raft.LogStore
	entries func([]raft.Entry) []raft.Entry
}

func (l brokenLog) Entries(group raft.GroupID, lo, hi raft.Index, bytesMax int) ([]raft.Entry, error) {
	entries, err := l.LogStore.Entries(group, lo, hi, bytesMax)
	return l.entries(entries), err
}

// largeLog has more than one save of a copy takes, behind a place that was compacted.
func largeLog(t *testing.T) *mem.Log {
	t.Helper()
	log := mem.NewLog()
	updates := []wire.Update{{Group: 1, HardState: wire.HardState{Term: 5, Vote: 3}, Reset: raft.LogID{Term: 2, Index: 70}}}
	for i := range raft.Index(40) {
		entry := raft.Entry{Index: 71 + i, Term: 3 + raft.Term(i/20), Kind: wire.EntryCommand, Data: []byte(strings.Repeat("x", 128<<10+int(i)))}
		updates = append(updates, wire.Update{Group: 1, Entries: []raft.Entry{entry}})
	}
	if err := log.Save(updates); err != nil {
		t.Fatal(err)
	}
	return log
}

func TestCopyLog(t *testing.T) {
	from, to := largeLog(t), mem.NewLog()
	if err := raft.CopyLog(to, from, 1); err != nil {
		t.Fatal(err)
	}
	state, err := to.Load(1)
	if err != nil || state.Last != 110 || state.Compacted.Index != 70 || state.HardState != (wire.HardState{Term: 5, Vote: 3}) {
		t.Errorf("the copy: %+v, %v", state, err)
	}
}

// TestCopyOfBrokenLog: a store that does not keep its promises makes an error, and no endless loop.
func TestCopyOfBrokenLog(t *testing.T) {
	for name, c := range map[string]struct {
		from, to func([]raft.Entry) []raft.Entry // nil for a whole one
		want     error
	}{
		"returns none":          {from: func([]raft.Entry) []raft.Entry { return nil }},
		"reads none back":       {to: func([]raft.Entry) []raft.Entry { return nil }},
		"reads others back":     {to: func(e []raft.Entry) []raft.Entry { e[0].Term++; return e }, want: raft.ErrCopyDiffers},
		"reads other data back": {to: func(e []raft.Entry) []raft.Entry { e[0].Data = nil; return e }, want: raft.ErrCopyDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			var from, to raft.LogStore = largeLog(t), mem.NewLog()
			if c.from != nil {
				from = brokenLog{from, c.from}
			}
			if c.to != nil {
				to = brokenLog{to, c.to}
			}
			err := raft.CopyLog(to, from, 1)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestCopyOfNothing: a group that is not there is none to copy.
func TestCopyOfNothing(t *testing.T) {
	if err := raft.CopyLog(mem.NewLog(), mem.NewLog(), 1); err == nil {
		t.Error("a copy was made of nothing")
	}
}
