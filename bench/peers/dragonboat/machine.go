// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"

	"github.com/lni/dragonboat/v4/statemachine"

	"github.com/balsa-raft/raft/bench/load"
)

// machine applies batches, which only an IConcurrentStateMachine is given.
type machine struct{ counter *load.Counter }

// Update applies committed entries in order.
func (m machine) Update(entries []statemachine.Entry) ([]statemachine.Entry, error) {
	m.counter.Lock()
	defer m.counter.Unlock()
	for i := range entries {
		entries[i].Result.Value = m.counter.Apply(entries[i].Cmd)
	}
	return entries, nil
}

// Lookup is never asked for.
func (machine) Lookup(any) (any, error) { return nil, errors.New("dragonboat: no look-ups") }

// PrepareSnapshot is never asked for.
func (machine) PrepareSnapshot() (any, error) { return nil, nil }

// SaveSnapshot is never asked for.
func (machine) SaveSnapshot(any, io.Writer, statemachine.ISnapshotFileCollection, <-chan struct{}) error {
	return errors.New("dragonboat: no snapshots")
}

// RecoverFromSnapshot is never asked for.
func (machine) RecoverFromSnapshot(io.Reader, []statemachine.SnapshotFile, <-chan struct{}) error {
	return errors.New("dragonboat: no snapshots")
}

// Close ends the state machine.
func (machine) Close() error { return nil }
