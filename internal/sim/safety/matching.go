// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const logMatching = "I5 log matching"

// LogMatching is I5: entries with the same index and term are equal, and so are all
// before them, on whichever disk and whenever.
type LogMatching struct {
	chains map[wire.LogID]uint64
}

// Holds is told that a member holds an entry, with the checksum of it and all before.
func (c *LogMatching) Holds(node wire.NodeID, id wire.LogID, chain uint64) *Violation {
	if c.chains == nil {
		c.chains = make(map[wire.LogID]uint64)
	}
	if other, found := c.chains[id]; found && other != chain {
		return violated(logMatching, "node %d has another log up to %v than somebody had before", node, id)
	}
	c.chains[id] = chain
	return nil
}
