// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const finalDurability = "I23 final durability"

// settled is I23: when all is healed and quiet, a member has applied everything that a
// client was told of, and all that is committed.
func settled(node wire.NodeID, commit, applied, committed, floor wire.Index) *Violation {
	if applied < floor {
		return violated(finalDurability, "node %d has applied %d entries, a client was told of entry %d", node, applied, floor)
	}
	if commit != committed || applied != committed {
		return violated(finalDurability, "node %d: commit %d, applied %d, committed is %d", node, commit, applied, committed)
	}
	return nil
}
