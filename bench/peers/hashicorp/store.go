// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync/atomic"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// store counts what the log syncs: once for each call that appends.
type store struct {
	*wal.WAL
	syncs *atomic.Uint64
}

// StoreLog appends one log.
func (s store) StoreLog(log *raft.Log) error {
	s.syncs.Add(1)
	return s.WAL.StoreLog(log)
}

// StoreLogs appends logs.
func (s store) StoreLogs(logs []*raft.Log) error {
	s.syncs.Add(1)
	return s.WAL.StoreLogs(logs)
}
