// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

const testGroup wire.GroupID = 7

// entriesOf makes entries from first on, one for each term given.
func entriesOf(first wire.Index, terms ...wire.Term) []wire.Entry {
	entries := make([]wire.Entry, len(terms))
	for i, term := range terms {
		index := first + wire.Index(i)
		entries[i] = wire.Entry{Index: index, Term: term, Kind: wire.EntryCommand, Data: []byte{byte(index), byte(term)}}
	}
	return entries
}

func save(t *testing.T, log *Log, updates ...wire.Update) {
	t.Helper()
	if err := log.Save(updates); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, log *Log) wire.LogState {
	t.Helper()
	state, err := log.Load(testGroup)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestLogState(t *testing.T) {
	member := func(index wire.Index, term wire.Term) wire.Entry {
		return wire.Entry{Index: index, Term: term, Kind: wire.EntryMembership, Data: []byte{9}}
	}
	vote := wire.HardState{Term: 3, Vote: 2}
	for _, test := range []struct {
		name    string
		updates []wire.Update
		want    wire.LogState
	}{
		{"empty", nil, wire.LogState{}},
		{"hard state", []wire.Update{{HardState: vote}}, wire.LogState{HardState: vote}},
		{"a zero hard state changes nothing", []wire.Update{{HardState: vote}, {Entries: entriesOf(1, 3)}},
			wire.LogState{HardState: vote, Last: 1, Terms: []wire.TermStart{{Term: 3, First: 1}}}},
		{"terms", []wire.Update{{Entries: entriesOf(1, 1, 1, 2)}, {Entries: entriesOf(4, 2, 5)}},
			wire.LogState{Last: 5, Terms: []wire.TermStart{{Term: 1, First: 1}, {Term: 2, First: 3}, {Term: 5, First: 5}}}},
		{"replace the end", []wire.Update{{Entries: entriesOf(1, 1, 1, 1)}, {Entries: entriesOf(2, 2)}},
			wire.LogState{Last: 2, Terms: []wire.TermStart{{Term: 1, First: 1}, {Term: 2, First: 2}}}},
		{"replace all", []wire.Update{{Entries: entriesOf(1, 1, 1, 1)}, {Entries: entriesOf(1, 2)}},
			wire.LogState{Last: 1, Terms: []wire.TermStart{{Term: 2, First: 1}}}},
		{"compact a part", []wire.Update{{Entries: entriesOf(1, 1, 1, 2, 2)}, {Compact: 3}},
			wire.LogState{Compacted: wire.LogID{Term: 2, Index: 3}, Last: 4, Terms: []wire.TermStart{{Term: 2, First: 4}}}},
		{"compact all", []wire.Update{{Entries: entriesOf(1, 1, 2), Compact: 2}},
			wire.LogState{Compacted: wire.LogID{Term: 2, Index: 2}, Last: 2}},
		{"compact again", []wire.Update{{Entries: entriesOf(1, 1, 2), Compact: 2}, {Compact: 1}},
			wire.LogState{Compacted: wire.LogID{Term: 2, Index: 2}, Last: 2}},
		{"reset", []wire.Update{{HardState: vote, Entries: entriesOf(1, 1, 2)}, {Reset: wire.LogID{Term: 4, Index: 9}}},
			wire.LogState{HardState: vote, Compacted: wire.LogID{Term: 4, Index: 9}, Last: 9}},
		{"reset and entries", []wire.Update{{Entries: entriesOf(1, 1)}, {Reset: wire.LogID{Term: 4, Index: 9}, Entries: entriesOf(10, 4, 5)}},
			wire.LogState{Compacted: wire.LogID{Term: 4, Index: 9}, Last: 11,
				Terms: []wire.TermStart{{Term: 4, First: 10}, {Term: 5, First: 11}}}},
		{"memberships", []wire.Update{{Entries: []wire.Entry{member(1, 1), member(2, 1), member(3, 1)}}, {Compact: 1}, {Entries: entriesOf(3, 2)}},
			wire.LogState{Compacted: wire.LogID{Term: 1, Index: 1}, Last: 3, Memberships: []wire.Entry{member(2, 1)},
				Terms: []wire.TermStart{{Term: 1, First: 2}, {Term: 2, First: 3}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := NewLog()
			for i := range test.updates {
				test.updates[i].Group = testGroup
			}
			save(t, log, test.updates...)
			save(t, log, wire.Update{Group: testGroup + 1, HardState: wire.HardState{Term: 99}, Entries: entriesOf(1, 99)})
			if got := load(t, log); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if got := load(t, log.Clone()); !reflect.DeepEqual(got, test.want) {
				t.Errorf("clone has %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestLogRefusesInvalidUpdatesWhole(t *testing.T) {
	for name, update := range map[string]wire.Update{
		"a gap":                   {Entries: entriesOf(6, 3)},
		"a gap inside":            {Entries: append(entriesOf(4, 3), entriesOf(6, 3)...)},
		"a term that descends":    {Entries: entriesOf(5, 1)},
		"terms descending inside": {Entries: entriesOf(5, 3, 2)},
		"below the compaction":    {Entries: entriesOf(2, 3)},
		"compaction too far":      {Entries: entriesOf(4, 3), Compact: 5},
		"reset and a gap":         {Reset: wire.LogID{Term: 3, Index: 9}, Entries: entriesOf(11, 3)},
		"term zero":               {Reset: wire.LogID{Term: 0, Index: 9}, Entries: entriesOf(10, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			log := NewLog()
			save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(1, 1, 1, 1, 2), Compact: 2})
			before := load(t, log)
			update.Group, update.HardState = testGroup, wire.HardState{Term: 8}
			err := log.Save([]wire.Update{update, {Group: testGroup, HardState: wire.HardState{Term: 9}}})
			if !errors.Is(err, ErrInvalidUpdate) {
				t.Errorf("error is %v", err)
			}
			if after := load(t, log); !reflect.DeepEqual(after, before) {
				t.Errorf("got %+v, want %+v", after, before)
			}
			entries, err := log.Entries(testGroup, 3, 4, 1<<20)
			if err != nil || !reflect.DeepEqual(entries, entriesOf(3, 1, 2)) {
				t.Errorf("entries %v, error %v", entries, err)
			}
		})
	}
}

func TestLogEntries(t *testing.T) {
	log := NewLog()
	save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(1, 1, 1, 1, 1, 1, 1), Compact: 2})
	size := entriesOf(1, 1)[0].Size()
	for _, test := range []struct {
		lo, hi   wire.Index
		bytesMax int
		want     int // entries, or -1 for an error
	}{
		{3, 6, 1 << 20, 4}, {4, 5, 1 << 20, 2}, {6, 6, 1 << 20, 1},
		{3, 6, 2 * size, 2}, {3, 6, 2*size - 1, 1}, {3, 6, 1, 1}, {3, 6, 0, 1}, {3, 6, -1, 1}, {3, 6, 4 * size, 4},
		{2, 6, 1 << 20, -1}, {3, 7, 1 << 20, -1}, {7, 7, 1 << 20, -1}, {5, 4, 1 << 20, -1}, {0, 0, 1 << 20, -1},
	} {
		entries, err := log.Entries(testGroup, test.lo, test.hi, test.bytesMax)
		if test.want < 0 {
			if !errors.Is(err, ErrNotFound) || entries != nil {
				t.Errorf("%d to %d: got %v, error %v", test.lo, test.hi, entries, err)
			}
			continue
		}
		if err != nil || len(entries) != test.want || entries[0].Index != test.lo {
			t.Errorf("%d to %d in %d bytes: got %v, error %v", test.lo, test.hi, test.bytesMax, entries, err)
		}
	}
	if _, err := log.Entries(testGroup+1, 1, 1, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown group: error %v", err)
	}
}

func TestLogSharesNothingThatChanges(t *testing.T) {
	log := NewLog()
	saved := entriesOf(1, 1, 1, 1)
	save(t, log, wire.Update{Group: testGroup, Entries: saved})
	saved[1].Data[0], saved[2].Term = 99, 99
	read, err := log.Entries(testGroup, 1, 3, 1<<20)
	if err != nil || !reflect.DeepEqual(read, entriesOf(1, 1, 1, 1)) {
		t.Fatalf("log kept the caller's memory: %v, error %v", read, err)
	}
	clone := log.Clone()
	save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(2, 2, 2)})
	if !reflect.DeepEqual(read, entriesOf(1, 1, 1, 1)) {
		t.Errorf("entries changed after they were read: %v", read)
	}
	read, err = clone.Entries(testGroup, 1, 3, 1<<20)
	if err != nil || !reflect.DeepEqual(read, entriesOf(1, 1, 1, 1)) {
		t.Errorf("clone changed with its original: %v, error %v", read, err)
	}
}

func TestLogCloseKeepsEverything(t *testing.T) {
	log := NewLog()
	save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(1, 1)})
	for range 2 {
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(2, 1)})
	if last := load(t, log).Last; last != 2 {
		t.Errorf("last is %d", last)
	}
}

func TestLogFailSaves(t *testing.T) {
	log, broken := NewLog(), errors.New("broken")
	log.FailSaves(broken)
	update := wire.Update{Group: testGroup, Entries: entriesOf(1, 1)}
	for range 2 {
		if err := log.Save([]wire.Update{update}); !errors.Is(err, broken) {
			t.Fatalf("error is %v", err)
		}
	}
	if state := load(t, log); state.Last != 0 {
		t.Errorf("a failed save wrote: %+v", state)
	}
	log.FailSaves(nil)
	save(t, log, update)
}

func TestLogDelayAndStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, begin := NewLog(), time.Now()
		log.SetSaveDelay(time.Second)
		log.Stall()
		log.Stall()
		done := make(chan error, 1)
		go func() { done <- log.Save([]wire.Update{{Group: testGroup, Entries: entriesOf(1, 1)}}) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if load(t, log).Last != 0 || load(t, log.Clone()).Last != 0 || len(done) > 0 {
			t.Error("a stalled save wrote")
		}
		log.Resume()
		log.Resume()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(2, 1)})
		if took := time.Since(begin); took != time.Minute+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestLogIsRaceFree(t *testing.T) {
	log := NewLog()
	save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(1, 1)})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				state, _ := log.Clone().Load(testGroup)
				if _, err := log.Entries(testGroup, 1, 1, 1); err != nil || state.Last == 0 {
					t.Errorf("last %d, error %v", state.Last, err)
					return
				}
			}
		})
	}
	for i := range wire.Index(500) {
		save(t, log, wire.Update{Group: testGroup, Entries: entriesOf(2+i%5, wire.Term(i/5+1))})
	}
	close(stop)
	readers.Wait()
}
