// SPDX-License-Identifier: Apache-2.0

package raft

import "context"

// Compact takes a snapshot as Snapshot does, and forgets all entries of the log that it covers,
// also those that SnapshotPolicy would keep behind it. A leader still keeps those that others
// need, up to SnapshotPolicy.RetainBytesMax. It may be called on any member, from any goroutine but
// the state machine's; the log may be shorter only a moment after it returns.
//
// It returns ErrNoSnapshots if the node has no store for them, ErrStopped, or why the snapshot could
// not be taken. If ctx ends first, a snapshot may be taken all the same, but the log is not made
// any shorter than it is after each.
func (g *Group) Compact(ctx context.Context) (SnapshotMeta, error) {
	meta, err := g.Snapshot(ctx)
	if err != nil {
		return SnapshotMeta{}, err
	}
	policy := g.snapshotPolicy()
	policy.TrailingEntries = -1
	g.tell(g.retention.compaction(meta.Last.Index, &policy))
	return meta, nil
}
