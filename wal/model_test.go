// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

const testDir = "/log"

func testOptions(fsys vfs.FS) Options {
	return Options{
		Dir:          testDir,
		Cluster:      wire.ClusterID{1, 2, 3},
		Node:         7,
		SegmentBytes: segmentBytesMin,
		FS:           fsys,
		Incarnation:  0xabcdef,
		Synchronous:  true,
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t testing.TB, options Options) *Log {
	t.Helper()
	l, err := Open(options)
	must(t, err)
	return l
}

// entries returns entries of one term from an index on, one for each payload.
func entries(term wire.Term, first wire.Index, payloads ...string) []wire.Entry {
	made := make([]wire.Entry, len(payloads))
	for i, payload := range payloads {
		made[i] = wire.Entry{Index: first + wire.Index(i), Term: term, Kind: wire.EntryCommand, Data: []byte(payload)}
	}
	return made
}

// modelGroup is what a group's log should be, in the simplest way.
type modelGroup struct {
	hardState wire.HardState
	compacted wire.LogID
	entries   []wire.Entry
}

func (g *modelGroup) last() wire.LogID {
	if len(g.entries) == 0 {
		return g.compacted
	}
	return g.entries[len(g.entries)-1].ID()
}

// model is what a whole log should be.
type model map[wire.GroupID]modelGroup

func (m model) apply(u wire.Update) {
	g := m[u.Group]
	if !u.HardState.IsZero() {
		g.hardState = u.HardState
	}
	if u.Reset != (wire.LogID{}) {
		g.compacted, g.entries = u.Reset, nil
	}
	if len(u.Entries) > 0 {
		kept := u.Entries[0].Index - g.compacted.Index - 1
		g.entries = slices.Concat(g.entries[:kept], u.Entries)
	}
	if u.Compact > g.compacted.Index {
		n := u.Compact - g.compacted.Index
		g.compacted, g.entries = g.entries[n-1].ID(), slices.Clone(g.entries[n:])
	}
	m[u.Group] = g
}

// String describes all of it, so that two models can be compared.
func (m model) String() string {
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(m)) {
		describe(&b, id, m[id])
	}
	return b.String()
}

// describe writes what tells one state of a group from another, which for data is a
// hash: thousands of states are compared.
func describe(b *bytes.Buffer, id wire.GroupID, g modelGroup) {
	fmt.Fprintf(b, "group %d: %v compacted %v\n", id, g.hardState, g.compacted)
	for _, e := range g.entries {
		line := strconv.AppendUint([]byte("  t"), uint64(e.Term), 10)
		line = strconv.AppendUint(append(line, "/i"...), uint64(e.Index), 10)
		line = append(line, " kind "...)
		line = strconv.AppendUint(line, uint64(e.Kind), 10)
		line = strconv.AppendUint(append(line, " data "...), uint64(crc32.ChecksumIEEE(e.Data)), 16)
		b.Write(append(line, '\n'))
	}
}

// contents reads all that a log has, in the form of a model, through its methods.
func contents(l *Log) (string, error) {
	var b bytes.Buffer
	for _, id := range l.Groups() {
		state, err := l.Load(id)
		if err != nil {
			return "", err
		}
		g := modelGroup{hardState: state.HardState, compacted: state.Compacted}
		if state.Last > state.Compacted.Index {
			g.entries, err = l.Entries(id, state.Compacted.Index+1, state.Last, math.MaxInt)
			if err != nil {
				return "", err
			}
		}
		if err := checkState(state, g.entries); err != nil {
			return "", fmt.Errorf("group %d: %w", id, err)
		}
		describe(&b, id, g)
	}
	return b.String(), nil
}

// checkState compares what Load says with the entries.
func checkState(state wire.LogState, entries []wire.Entry) error {
	want := wire.LogState{HardState: state.HardState, Compacted: state.Compacted, Last: state.Compacted.Index}
	for _, e := range entries {
		if n := len(want.Terms); n == 0 || want.Terms[n-1].Term != e.Term {
			want.Terms = append(want.Terms, wire.TermStart{Term: e.Term, First: e.Index})
		}
		if e.Kind == wire.EntryMembership {
			want.Memberships = append(want.Memberships, e)
		}
		if e.Index != want.Last+1 {
			return fmt.Errorf("entry %d after %d", e.Index, want.Last)
		}
		want.Last = e.Index
	}
	same := state.Last == want.Last && slices.Equal(state.Terms, want.Terms) &&
		slices.EqualFunc(state.Memberships, want.Memberships, isSameEntry)
	if !same {
		return fmt.Errorf("state %v, the entries say %v", state, want)
	}
	return nil
}

func isSameEntry(a, b wire.Entry) bool {
	return a.ID() == b.ID() && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data)
}

func requireContents(t testing.TB, l *Log, want model) {
	t.Helper()
	got, err := contents(l)
	must(t, err)
	if got != want.String() {
		t.Fatalf("the log has\n%s\nwant\n%s", got, want)
	}
}

// randomUpdate returns an update that fits the model, for one of a few groups.
func randomUpdate(random *rand.Rand, m model) wire.Update {
	u := wire.Update{Group: wire.GroupID(1 + random.IntN(3))}
	g := m[u.Group]
	term := max(g.hardState.Term, g.last().Term, 1)
	if random.IntN(4) == 0 {
		term += wire.Term(random.IntN(2))
		u.HardState = wire.HardState{Term: term, Vote: wire.NodeID(random.IntN(4))}
	}
	if random.IntN(30) == 0 {
		u.Reset = wire.LogID{Term: term, Index: g.last().Index + wire.Index(random.IntN(20)) + 1}
		g.compacted, g.entries = u.Reset, nil
	}
	if random.IntN(8) > 0 {
		first := g.last().Index + 1
		if len(g.entries) > 0 && random.IntN(6) == 0 {
			first -= wire.Index(random.IntN(min(len(g.entries), 5)) + 1)
			term++
		}
		u.Entries = randomEntries(random, term, first)
		g.entries = slices.Concat(g.entries[:first-g.compacted.Index-1], u.Entries)
	}
	if n := len(g.entries); n > 0 && random.IntN(5) == 0 {
		u.Compact = g.entries[random.IntN(n)].Index
	}
	return u
}

func randomEntries(random *rand.Rand, term wire.Term, first wire.Index) []wire.Entry {
	made := make([]wire.Entry, 1+random.IntN(5))
	for i := range made {
		data := make([]byte, random.IntN(300))
		for k := range data {
			data[k] = byte(random.IntN(256))
		}
		kind := wire.EntryKind(1 + random.IntN(3))
		made[i] = wire.Entry{Index: first + wire.Index(i), Term: term, Kind: kind, Data: data}
	}
	return made
}

// history is a number of Saves, and what the log should be before each and at the end.
type history struct {
	saves  [][]wire.Update
	states []string
}

func randomHistory(seed uint64, saves, updatesMax int) history {
	random := rand.New(rand.NewPCG(seed, 1))
	m := make(model)
	h := history{states: []string{m.String()}}
	for range saves {
		var updates []wire.Update
		for range 1 + random.IntN(updatesMax) {
			u := randomUpdate(random, m)
			if isEmpty(u) {
				continue
			}
			m.apply(u)
			updates = append(updates, u)
		}
		h.saves = append(h.saves, updates)
		h.states = append(h.states, m.String())
	}
	return h
}

func isEmpty(u wire.Update) bool {
	return u.HardState.IsZero() && u.Reset == (wire.LogID{}) && len(u.Entries) == 0 && u.Compact == 0
}

func segmentNumbers(t testing.TB, fsys vfs.FS) []uint32 {
	t.Helper()
	f, err := readFolder(fsys, testDir)
	must(t, err)
	slices.SortFunc(f.segments, cmp.Compare)
	return f.segments
}
