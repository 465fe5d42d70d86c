// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const stateMachineSafety = "I7 state machine safety"

// StateMachineSafety is I7: at an index all state machines apply the same command, in
// ascending order, each once, and get the same value.
type StateMachineSafety struct {
	applied []Applied // by index; the zero value where nobody applied a command yet
	last    perNode[wire.Index]
}

// Applied is a command as a state machine applied it.
type Applied struct {
	Term wire.Term
	// Op is the client's operation.
	Op uint64
	// Value is what the state machine returned.
	Value uint64
	// State is a checksum over the state that it is in then.
	State uint64
}

// Starts is told that a member begins with an empty state machine.
func (c *StateMachineSafety) Starts(node wire.NodeID) {
	c.last.forget(node)
}

// Applies is told that a member applied a command. isFirst says that nobody had before.
func (c *StateMachineSafety) Applies(node wire.NodeID, index wire.Index, a Applied) (isFirst bool, v *Violation) {
	last := c.last.of(node)
	if index <= *last {
		return false, violated(stateMachineSafety, "node %d applies entry %d after entry %d", node, index, *last)
	}
	*last = index
	for wire.Index(len(c.applied)) <= index {
		c.applied = append(c.applied, Applied{})
	}
	switch c.applied[index] {
	case Applied{}:
		c.applied[index] = a
		return true, nil
	case a:
		return false, nil
	}
	return false, violated(stateMachineSafety, "node %d applies %+v at %d, another node %+v", node, a, index, c.applied[index])
}

// Resumes is told that a member's state machine is in the state behind a command.
func (c *StateMachineSafety) Resumes(node wire.NodeID, command wire.Index) {
	*c.last.of(node) = command
}

// CommandAt returns the last command up to an index, of those applied anywhere.
func (c *StateMachineSafety) CommandAt(index wire.Index) wire.LogID {
	for i := min(index, wire.Index(len(c.applied))-1); i > 0 && i < wire.Index(len(c.applied)); i-- {
		if c.applied[i] != (Applied{}) {
			return wire.LogID{Term: c.applied[i].Term, Index: i}
		}
	}
	return wire.LogID{}
}

// At returns what was applied at an index, the zero value if nothing.
func (c *StateMachineSafety) At(index wire.Index) Applied {
	if index >= wire.Index(len(c.applied)) {
		return Applied{}
	}
	return c.applied[index]
}

// AppliedBy returns the last command that a member applied since it started.
func (c *StateMachineSafety) AppliedBy(node wire.NodeID) wire.Index { return *c.last.of(node) }
