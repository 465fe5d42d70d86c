// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"

	"github.com/hashicorp/raft"

	"github.com/balsa-raft/raft/bench/load"
)

// machine applies batches, as a raft.BatchingFSM.
type machine struct{ counter *load.Counter }

// ApplyBatch applies committed logs in order.
func (m machine) ApplyBatch(logs []*raft.Log) []any {
	results := make([]any, len(logs))
	m.counter.Lock()
	defer m.counter.Unlock()
	for i, log := range logs {
		if log.Type == raft.LogCommand {
			results[i] = m.counter.Apply(log.Data)
		}
	}
	return results
}

// Apply applies one log.
func (m machine) Apply(log *raft.Log) any { return m.ApplyBatch([]*raft.Log{log})[0] }

// Snapshot is never asked for.
func (machine) Snapshot() (raft.FSMSnapshot, error) {
	return nil, errors.New("hashicorp: no snapshots")
}

// Restore is never asked for.
func (machine) Restore(io.ReadCloser) error { return errors.New("hashicorp: no snapshots") }
