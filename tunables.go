// SPDX-License-Identifier: Apache-2.0

package raft

import "errors"

// Tunables are what may be changed of a node's configuration while it runs.
type Tunables struct {
	// SnapshotBytesPerSecond is as in Config. Zero means no bound.
	SnapshotBytesPerSecond int

	_ struct{}
}

// Reload makes the tunables those given, until the node is closed.
func (n *Node) Reload(t Tunables) error {
	if t.SnapshotBytesPerSecond < 0 {
		return errors.New("raft: Tunables.SnapshotBytesPerSecond is negative")
	}
	n.throttle.SetRate(int64(t.SnapshotBytesPerSecond))
	return nil
}
