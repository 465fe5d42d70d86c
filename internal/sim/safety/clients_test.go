// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestStateMachines(t *testing.T) {
	apply := func(c *Checker, node wire.NodeID, index wire.Index, a Applied) {
		c.Applies(node, index, a)
	}
	runFrom(t, written, []trace{
		{"the same everywhere, and again after a restart", func(c *Checker) {
			c.Invokes(7)
			apply(c, 1, 2, Applied{Term: 1, Op: 7, Value: 70})
			apply(c, 2, 2, Applied{Term: 1, Op: 7, Value: 70})
			c.Recovers(1, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1, 1))
			apply(c, 1, 2, Applied{Term: 1, Op: 7, Value: 70})
		}, ""},
		{"another command", func(c *Checker) {
			c.Invokes(7)
			c.Invokes(8)
			apply(c, 1, 2, Applied{Term: 1, Op: 7})
			apply(c, 2, 2, Applied{Term: 1, Op: 8})
		}, "I7 "},
		{"another value", func(c *Checker) {
			c.Invokes(7)
			apply(c, 1, 2, Applied{Term: 1, Op: 7, Value: 70})
			apply(c, 2, 2, Applied{Term: 1, Op: 7, Value: 71})
		}, "I7 "},
		{"one index twice", func(c *Checker) {
			c.Invokes(7)
			apply(c, 1, 2, Applied{Term: 1, Op: 7})
			apply(c, 1, 2, Applied{Term: 1, Op: 7})
		}, "I7 "},
		{"what is not committed", func(c *Checker) {
			c.Invokes(7)
			apply(c, 1, 4, Applied{Term: 1, Op: 7})
		}, "I7 "},
		{"an entry of another term", func(c *Checker) {
			c.Invokes(7)
			apply(c, 1, 3, Applied{Term: 2, Op: 7})
		}, "I7 "},
	})
}

func TestClients(t *testing.T) {
	one := Applied{Term: 1, Op: 7, Value: 70}
	runFrom(t, written, []trace{
		{"as it should be", func(c *Checker) {
			c.Invokes(7)
			c.Applies(1, 2, one)
			c.Returns(7, wire.LogID{Term: 1, Index: 2}, 70)
			c.Invokes(8)
			c.Applies(1, 3, Applied{Term: 1, Op: 8})
			c.StaysUnknown(8)
			c.Invokes(9)
			c.Fails(9)
		}, ""},
		{"never proposed", func(c *Checker) {
			c.Applies(1, 2, one)
		}, "I19 "},
		{"applied twice", func(c *Checker) {
			c.Invokes(7)
			c.Applies(1, 2, one)
			c.Applies(1, 3, one)
		}, "I19 "},
		{"applied, after the client was told that it never is", func(c *Checker) {
			c.Invokes(7)
			c.Fails(7)
			c.Applies(1, 2, one)
		}, "I19 "},
		{"told that it never is, though it was", func(c *Checker) {
			c.Invokes(7)
			c.Applies(1, 2, one)
			c.Fails(7)
		}, "I19 "},
		{"told another value", func(c *Checker) {
			c.Invokes(7)
			c.Applies(1, 2, one)
			c.Returns(7, wire.LogID{Term: 1, Index: 2}, 71)
		}, "I19 "},
		{"told twice", func(c *Checker) {
			c.Invokes(7)
			c.Fails(7)
			c.StaysUnknown(7)
		}, "I19 "},
		{"before one that had returned", func(c *Checker) {
			c.Invokes(7)
			c.Applies(1, 3, one)
			c.Returns(7, wire.LogID{Term: 1, Index: 3}, 70)
			c.Invokes(8)
			c.Applies(2, 2, Applied{Term: 1, Op: 8})
		}, "I20 "},
		{"side by side, the later one first", func(c *Checker) {
			c.Invokes(7)
			c.Invokes(8)
			c.Applies(1, 3, one)
			c.Returns(7, wire.LogID{Term: 1, Index: 3}, 70)
			c.Applies(2, 2, Applied{Term: 1, Op: 8})
		}, ""},
	})
}

func TestFinally(t *testing.T) {
	told := func(c *Checker) {
		written(c)
		c.Invokes(7)
		c.Applies(1, 3, Applied{Term: 1, Op: 7})
		c.Applies(2, 3, Applied{Term: 1, Op: 7})
		c.Returns(7, wire.LogID{Term: 1, Index: 3}, 0)
	}
	runFrom(t, told, []trace{
		{"all is there", func(c *Checker) {
			c.Settled(2, follows(1, 3, 3, 3))
		}, ""},
		{"not applied", func(c *Checker) {
			c.Settled(2, follows(1, 3, 3, 2))
		}, "I23 "},
		{"not committed", func(c *Checker) {
			c.Settled(2, follows(1, 3, 2, 3))
		}, "I23 "},
		{"not on the disk", func(c *Checker) {
			c.Settled(3, follows(1, 3, 3, 3))
		}, "I23 "},
		{"not in the state machine", func(c *Checker) {
			c.Recovers(2, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1, 1))
			c.Settled(2, follows(1, 3, 3, 3))
		}, "I23 "},
	})
}
