// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const (
	realTimeOrder = "I20 real-time order"
	outcomes      = "I19 outcome told is true"
)

// ClientHistory is the serial witness: commands take effect in the order of their
// indexes, so a history is linearizable if every command has its place behind those
// that had returned before it was invoked (I20), and if what its client was told is
// what happened there. A command has at most one place, and none if its client was
// told so (I19).
type ClientHistory struct {
	ops map[uint64]*operation
	// floor is the highest place of a command that has returned.
	floor wire.Index
}

type operation struct {
	// floor is that of the history as it was invoked.
	floor wire.Index
	// place is where it was applied, zero if nowhere yet.
	place wire.Index
	// void says that the client was told that it will never be applied.
	void bool
	told bool
}

// Invokes is told that a client proposes a command.
func (c *ClientHistory) Invokes(op uint64) {
	if c.ops == nil {
		c.ops = make(map[uint64]*operation)
	}
	c.ops[op] = &operation{floor: c.floor}
}

// TakesPlace is told that a command was applied at an index, by the first to do so.
func (c *ClientHistory) TakesPlace(op uint64, index wire.Index) *Violation {
	o := c.ops[op]
	switch {
	case o == nil:
		return violated(outcomes, "command %d at %d was never proposed", op, index)
	case o.place != 0:
		return violated(outcomes, "command %d is applied at %d and at %d", op, o.place, index)
	case o.void:
		return violated(outcomes, "command %d is applied at %d, its client was told that it never is", op, index)
	case index <= o.floor:
		return violated(realTimeOrder, "command %d is applied at %d, before one that had returned when it was proposed, at %d", op, index, o.floor)
	}
	o.place = index
	return nil
}

// Returns is told that a client learns that its command was applied, where, and with
// which value; was is what the state machines applied there.
func (c *ClientHistory) Returns(op uint64, id wire.LogID, value uint64, was Applied) *Violation {
	o := c.ops[op]
	if v := c.tell(op, o); v != nil {
		return v
	}
	if was.Term != id.Term || was.Op != op || was.Value != value {
		return violated(outcomes, "the client of command %d is told of %v with value %x, applied there is %+v", op, id, value, was)
	}
	c.floor = max(c.floor, id.Index)
	return nil
}

// Fails is told that a client learns that its command is surely not applied.
func (c *ClientHistory) Fails(op uint64) *Violation {
	o := c.ops[op]
	if v := c.tell(op, o); v != nil {
		return v
	}
	if o.place != 0 {
		return violated(outcomes, "the client of command %d is told that it is not applied, it is, at %d", op, o.place)
	}
	o.void = true
	return nil
}

// StaysUnknown is told that a client learns that nobody knows.
func (c *ClientHistory) StaysUnknown(op uint64) *Violation { return c.tell(op, c.ops[op]) }

func (c *ClientHistory) tell(op uint64, o *operation) *Violation {
	if o == nil || o.told {
		return violated(outcomes, "the client of command %d is told twice, or had not asked", op)
	}
	o.told = true
	return nil
}

// Floor returns the highest place of a command that has returned.
func (c *ClientHistory) Floor() wire.Index { return c.floor }
