// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// StateMachine says how to get at an implementation of raft.StateMachine. All
// fields but Commands are required.
type StateMachine struct {
	// New returns a new state machine, which has applied nothing. The suite has many at
	// a time.
	New func(t testing.TB) raft.StateMachine
	// Command returns a command for a state machine to apply. It is to make use of all that there is, with
	// commands that concern each other, such as a small set of keys.
	Command func(random *rand.Rand) []byte
	// Dump returns all of the state, in such a way that equal states give equal dumps.
	Dump func(t testing.TB, machine raft.StateMachine) []byte
	// Commands is how many commands are applied in a row. Default 500.
	Commands int

	_ struct{}
}

// TestStateMachine tests an implementation of raft.StateMachine against its contract, in
// subtests: that state and values follow from the commands and their order alone,
// however they are batched and whoever applies them; that there is a value for each
// command, or none for any; and that it leaves alone, and does not keep, what it
// is given. Run it with the race detector as well.
func TestStateMachine(t *testing.T, s StateMachine) {
	testDemands(t, s.withDefaults(), machineDemands)
}

var machineDemands = []demand[*StateMachine]{
	{"one value for each command", machineValues},
	{"the same commands, the same state", machineDeterminism},
	{"however they are batched", machineBatches},
	{"whatever stands between them", machineGaps},
	{"its input is left alone", machineInput},
	{"its input is not kept", machineKeepsNothing},
	{"its values do not change", machineValuesStay},
}

func (s StateMachine) withDefaults() *StateMachine {
	if s.Commands == 0 {
		s.Commands = 500
	}
	return &s
}

// history returns random commands, one index after the other.
func (s *StateMachine) history(seed uint64) []raft.Entry {
	random := rand.New(rand.NewPCG(seed, 6))
	entries := make([]raft.Entry, s.Commands)
	for i := range entries {
		entries[i] = raft.Entry{Index: raft.Index(i + 1), Term: 1, Kind: wire.EntryCommand, Data: s.Command(random)}
	}
	return entries
}

// outcomeOfHistory is what a state machine has made of a history.
type outcomeOfHistory struct {
	values [][]byte
	dump   []byte
}

// apply applies entries to a new state machine in batches of the sizes that next
// returns, and checks how many values it returns. A machine without values has nil ones.
func (s *StateMachine) apply(t testing.TB, entries []raft.Entry, next func() int) outcomeOfHistory {
	t.Helper()
	machine := s.New(t)
	var o outcomeOfHistory
	for len(entries) > 0 {
		n := min(next(), len(entries))
		values := machine.Apply(entries[:n:n])
		if values != nil && len(values) != n {
			t.Fatalf("%d commands have given %d values", n, len(values))
		}
		if values == nil {
			values = make([][]byte, n)
		}
		o.values = append(o.values, values...)
		entries = entries[n:]
	}
	o.dump = s.Dump(t, machine)
	return o
}

func (o outcomeOfHistory) clone() outcomeOfHistory {
	cloned := outcomeOfHistory{dump: bytes.Clone(o.dump)}
	for _, value := range o.values {
		cloned.values = append(cloned.values, bytes.Clone(value))
	}
	return cloned
}

// differs says how two outcomes differ, "" if they don't.
func (o outcomeOfHistory) differs(other outcomeOfHistory) string {
	if i := firstDifference(o.values, other.values, bytes.Equal); i >= 0 {
		return fmt.Sprintf("the value of command %d is once %.100q and once %.100q", i+1, o.values[i], other.values[i])
	}
	if !bytes.Equal(o.dump, other.dump) {
		return fmt.Sprintf("the state is once %.300q and once %.300q", o.dump, other.dump)
	}
	return ""
}

func always(n int) func() int { return func() int { return n } }

func machineValues(t testing.TB, s *StateMachine) {
	for _, n := range []int{1, 2, 7, s.Commands} {
		s.apply(t, s.history(1), always(n))
	}
}

func machineDeterminism(t testing.TB, s *StateMachine) {
	for seed := range uint64(5) {
		first := s.apply(t, s.history(seed), always(10))
		for range 10 { // A map's iteration may well be the same a few times.
			if difference := first.differs(s.apply(t, s.history(seed), always(10))); difference != "" {
				t.Fatalf("the same batches: %s", difference)
			}
		}
	}
}

func machineBatches(t testing.TB, s *StateMachine) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 7))
		single := s.apply(t, s.history(seed), always(1))
		for name, next := range map[string]func() int{
			"pairs": always(2), "all at once": always(s.Commands), "random batches": func() int { return 1 + random.IntN(30) },
		} {
			if difference := single.differs(s.apply(t, s.history(seed), next)); difference != "" {
				t.Fatalf("one by one, and in %s: %s", name, difference)
			}
		}
	}
}

// machineGaps gives the same commands other indexes and terms. These are in the entry, so a
// state machine may look at them, and they are the same on all members: but then two instances must agree.
func machineGaps(t testing.TB, s *StateMachine) {
	entries := s.history(1)
	for i := range entries {
		entries[i].Index += raft.Index(3 * (i / 10))
		entries[i].Term += raft.Term(i / 50)
	}
	first := s.apply(t, entries, always(1))
	if difference := first.differs(s.apply(t, entries, always(25))); difference != "" {
		t.Fatalf("with indexes that skip: %s", difference)
	}
}

func machineInput(t testing.TB, s *StateMachine) {
	entries := s.history(2)
	before := cloneEntries(entries)
	s.apply(t, entries, always(9))
	if i := firstDifference(before, entries, equalEntries); i >= 0 {
		t.Fatalf("entry %d has been changed from %s to %s", i+1, at(before, i), at(entries, i))
	}
}

func machineKeepsNothing(t testing.TB, s *StateMachine) {
	untouched := s.apply(t, s.history(3), always(5))
	machine := s.New(t)
	reused := outcomeOfHistory{}
	entries := s.history(3)
	for len(entries) > 0 {
		batch := cloneEntries(entries[:min(5, len(entries))])
		values := machine.Apply(batch)
		if values == nil {
			values = make([][]byte, len(batch))
		}
		reused.values = append(reused.values, values...) // They must not alias the batch either.
		for i := range batch {
			for j := range batch[i].Data {
				batch[i].Data[j] ^= 0xff // The library uses its memory for something else.
			}
		}
		clear(batch)
		entries = entries[len(batch):]
	}
	reused.dump = s.Dump(t, machine)
	if difference := untouched.differs(reused); difference != "" {
		t.Fatalf("with memory that is used again after each Apply: %s", difference)
	}
}

func machineValuesStay(t testing.TB, s *StateMachine) {
	machine, entries := s.New(t), s.history(4)
	var now, later outcomeOfHistory
	for i := range entries {
		values := machine.Apply(entries[i : i+1])
		later.values = append(later.values, values...)
		now.values = append(now.values, outcomeOfHistory{values: values}.clone().values...)
	}
	if difference := now.differs(later); difference != "" {
		t.Fatalf("when it was returned, and later: %s", difference)
	}
}
