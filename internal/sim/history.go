// SPDX-License-Identifier: Apache-2.0

package sim

// Operation is a command as its client saw it, for who checks histories from outside.
// A command takes the place of the last one with its key, and learns which that was:
// the state machine is a number of swap registers.
type Operation struct {
	// ID is what the command writes. No two have the same, none has zero.
	ID, Key uint64
	// Client is the member it was proposed on.
	Client int
	// Call and Return order all calls and returns of a run, each of which has a number of
	// its own. Return is zero if the client never learned anything.
	Call, Return int64
	Outcome      Outcome
	// Before is the ID of the command that it took the place of, zero if there was none.
	// It means something only if the outcome is Applied.
	Before uint64
}

// Outcome is what a client was told of a command.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota // it may have been applied, or may still be
	Applied
	NotApplied // it surely is not, and never will be
)

// registers is how many there are.
const registers = 16

// history is what the clients of a run saw, if somebody wants to know.
type history struct {
	isWanted   bool
	clock      int64
	operations []Operation
}

func (h *history) invokes(op uint64, client int) {
	if h.isWanted {
		h.clock++
		h.operations = append(h.operations, Operation{ID: op, Key: op % registers, Client: client, Call: h.clock})
	}
}

// returns notes what became of a command. Commands are numbered as they are invoked.
func (h *history) returns(op uint64, outcome Outcome, before uint64) {
	if !h.isWanted {
		return
	}
	h.clock++
	o := &h.operations[op-h.operations[0].ID]
	o.Return, o.Outcome, o.Before = h.clock, outcome, before
}

// forgets returns what a command is told that it took the place of. With a planted fault, the
// register of one member is now and then read as it was before.
func (m *machine) forgets(op, before uint64) uint64 {
	if m.n.w.isForgetful && m.n.id == 1 && op%64 < registers {
		return m.older
	}
	return before
}

type register struct{ now, before uint64 }
