// SPDX-License-Identifier: Apache-2.0

package simcheck

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/balsa-raft/raft/internal/sim"
)

var (
	// ErrNotLinearizable means that no order of the commands explains what clients saw.
	ErrNotLinearizable = errors.New("simcheck: not linearizable")
	// ErrUndecided means that it took too long to find out. It is no better.
	ErrUndecided = errors.New("simcheck: linearizability was not decided in time")
)

// model is the specification of one register: the state is the command in it, and each
// command learns which one it takes the place of.
var model = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, input, _ any) (bool, any) {
		o := input.(*sim.Operation)
		return o.Outcome != sim.Applied || o.Before == state.(uint64), o.ID
	},
	Hash: func(state any) uint64 { return state.(uint64) * 0x9e3779b97f4a7c15 },
	DescribeOperation: func(input, _ any) string {
		o := input.(*sim.Operation)
		return fmt.Sprintf("%d after %d", o.ID, o.Before)
	},
	DescribeState: func(state any) string { return fmt.Sprint(state) },
}

// Check looks, for each register, for an order of the commands that agrees with real time
// and with all that was returned. The error wraps ErrNotLinearizable or, if one register
// takes longer than the time given, ErrUndecided. It reports how many operations took part.
func Check(history []sim.Operation, timeout time.Duration) (checked int, err error) {
	var registers [16][]porcupine.Operation
	end := observed(history)
	for i := range history {
		o := &history[i]
		limit, mayTakePart := end(o)
		if mayTakePart {
			r := &registers[o.Key%uint64(len(registers))]
			*r = append(*r, porcupine.Operation{ClientId: i, Input: o, Call: o.Call, Return: limit})
			checked++
		}
	}
	var errs []error
	for key, operations := range registers {
		switch porcupine.CheckOperationsTimeout(model, operations, timeout) {
		case porcupine.Illegal:
			errs = append(errs, fmt.Errorf("%w: register %d, with %d operations", ErrNotLinearizable, key, len(operations)))
		case porcupine.Unknown:
			errs = append(errs, fmt.Errorf("%w: register %d, with %d operations in %v", ErrUndecided, key, len(operations), timeout))
		}
	}
	return checked, errors.Join(errs...)
}

// observed returns a function that says until when a command must have taken effect, and
// whether it is worth a place at all.
//
// Of a command whose client does not know what became of it, only what others say of it
// can be contradicted. If somebody took its place it had taken effect by the time that one
// returned. If nobody says so, not to have taken effect explains all that was seen at
// least as well as any place: a command after it either has learned of another one before
// it, or has learned nothing. A command that was refused takes no part; if somebody says
// to have taken its place, nothing explains that.
func observed(history []sim.Operation) func(o *sim.Operation) (limit int64, mayTakePart bool) {
	seenBy := make(map[uint64]int64, len(history))
	for i := range history {
		o := &history[i]
		if o.Outcome != sim.Applied || o.Before == 0 {
			continue
		}
		if before, isSeen := seenBy[o.Before]; !isSeen || o.Return < before {
			seenBy[o.Before] = o.Return
		}
	}
	return func(o *sim.Operation) (int64, bool) {
		limit, isSeen := seenBy[o.ID]
		switch {
		case o.Outcome == sim.Applied:
			return o.Return, true
		case o.Outcome == sim.NotApplied || !isSeen:
			return math.MaxInt64, false
		}
		return limit, true
	}
}
