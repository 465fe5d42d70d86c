// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const leaderCompleteness = "I6 leader completeness"

// LeaderCompleteness is I6: who becomes leader holds all entries that were committed
// in earlier terms.
type LeaderCompleteness struct {
	elected perNode[wire.Term]
}

// Elected is told, after a step in which a member leads, whether it holds what has
// been committed, up to an index.
func (c *LeaderCompleteness) Elected(node wire.NodeID, term wire.Term, committed wire.Index, holds bool) *Violation {
	before := c.elected.of(node)
	if *before == term {
		return nil
	}
	*before = term
	if !holds {
		return violated(leaderCompleteness, "node %d leads in term %d without all that is committed up to %d", node, term, committed)
	}
	return nil
}
