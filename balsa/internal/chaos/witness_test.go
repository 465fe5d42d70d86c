// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wire"
)

// logOf makes a committed log of commands.
func logOf(commands ...kv.Command) []raft.Entry {
	entries := []raft.Entry{{Index: 1, Term: 1, Kind: wire.EntryBlank}}
	for i := range commands {
		entries = append(entries, raft.Entry{Index: raft.Index(i + 2), Term: 1, Kind: wire.EntryCommand, Data: commands[i].Append(nil)})
	}
	return entries
}

func command(op kv.Op, number int64, args ...string) kv.Command {
	c := kv.Command{Op: op, Number: number}
	for _, arg := range args {
		c.Args = append(c.Args, []byte(arg))
	}
	return c
}

func TestChaosWitnessSeesPlantedViolations(t *testing.T) {
	var (
		setA    = command(kv.OpSet, 0, "k", "a")
		setB    = command(kv.OpSet, 0, "k", "b")
		swapB   = command(kv.OpGetSet, 0, "k", "b")
		get     = command(kv.OpGet, 0, "k")
		appendA = command(kv.OpAppend, 0, "k", "a;")
		incr    = command(kv.OpIncrBy, 1, "k")
	)
	ackA, ackB := at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Set, "b", Applied, "OK")
	unknownA, refusedA := at(1, 2, Set, "a", Unknown, ""), at(1, 2, Set, "a", Refused, "")
	incr1, incr2 := at(1, 2, Increment, "", Applied, "1"), at(3, 4, Increment, "", Applied, "2")
	incrUnknown, incrRefused := at(5, 6, Increment, "", Unknown, ""), at(7, 8, Increment, "", Refused, "")
	tests := []struct {
		name       string
		log        []kv.Command
		operations []Operation
		want       error
	}{
		{"all is well", []kv.Command{setA, get, setB, get}, []Operation{ackA, ackB}, nil},
		{"unknown and applied", []kv.Command{setB, setA}, []Operation{unknownA, ackB}, nil},
		{"unknown and not applied", []kv.Command{setB}, []Operation{unknownA, ackB}, nil},
		{"refused and not applied", nil, []Operation{refusedA, incrRefused}, nil},
		{"increments", []kv.Command{incr, incr}, []Operation{incr1, incr2, incrRefused}, nil},
		{"increments with one unknown", []kv.Command{incr, incr, incr}, []Operation{incr2, incrUnknown, incr1}, nil},
		{"lost", []kv.Command{setB}, []Operation{ackA, ackB}, ErrLost},
		{"twice", []kv.Command{setA, setA}, []Operation{ackA}, ErrRepeated},
		{"unknown and twice", []kv.Command{setA, setA}, []Operation{unknownA}, ErrRepeated},
		{"refused and applied", []kv.Command{setA}, []Operation{refusedA}, ErrRefusedApplied},
		{"invented", []kv.Command{setA, setB}, []Operation{ackB}, ErrInvented},
		{"an invented command", []kv.Command{command(kv.OpFlush, 0)}, nil, ErrInvented},
		{"order", []kv.Command{setB, setA}, []Operation{ackA, ackB}, ErrOrder},
		{"swap", []kv.Command{setA, swapB}, []Operation{ackA, at(3, 4, Swap, "b", Applied, "a")}, nil},
		{"swap with a wrong result", []kv.Command{setA, swapB}, []Operation{ackA, at(3, 4, Swap, "b", Applied, "")}, ErrWrongResult},
		{"append twice", []kv.Command{appendA, appendA}, []Operation{at(1, 2, Append, "a;", Applied, "4")}, ErrRepeated},
		{"increment lost", []kv.Command{incr}, []Operation{incr1, incr2}, ErrLost},
		{"all increments lost", nil, []Operation{incr1}, ErrLost},
		{"increment doubled", []kv.Command{incr, incr}, []Operation{incr1}, ErrRepeated},
		{"unknown increment doubled", []kv.Command{incr, incr}, []Operation{incrUnknown}, ErrRepeated},
		{"refused increment applied", []kv.Command{incr}, []Operation{incrRefused}, ErrRepeated},
		{"increments with the same result", []kv.Command{incr, incr}, []Operation{incr1, incr1}, ErrWrongResult},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, err := NewWitness(logOf(test.log...))
			if err == nil {
				err = w.Check(test.operations)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestChaosWitnessAgreesWithTheStateMachine(t *testing.T) {
	entries := logOf(command(kv.OpSet, 0, "a", "1"), command(kv.OpGetSet, 0, "a", "2"), command(kv.OpAppend, 0, "b", "x;"),
		command(kv.OpAppend, 0, "b", "y;"), command(kv.OpIncrBy, 1, "c"), command(kv.OpIncrBy, 1, "c"), command(kv.OpGet, 0, "d"))
	w, err := NewWitness(entries)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CheckState(machine.Dump()); err != nil {
		t.Error(err)
	}
	shorter, err := Replay(entries[:len(entries)-2])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CheckState(shorter.Dump()); !errors.Is(err, ErrWrongState) {
		t.Errorf("without the last increment: %v", err)
	}
	if err := w.CheckState(nil); !errors.Is(err, ErrWrongState) {
		t.Errorf("without anything: %v", err)
	}
}

func TestChaosCompareLogs(t *testing.T) {
	a := logOf(command(kv.OpSet, 0, "k", "a"), command(kv.OpSet, 0, "k", "b"))
	b := logOf(command(kv.OpSet, 0, "k", "a"), command(kv.OpSet, 0, "k", "c"))
	if err := CompareLogs(a, a); err != nil {
		t.Error(err)
	}
	if CompareLogs(a, b) == nil || CompareLogs(a, a[:2]) == nil || CompareLogs(a[:1], a) == nil {
		t.Error("logs that differ are said to be the same")
	}
}
