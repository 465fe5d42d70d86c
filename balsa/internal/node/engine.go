// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/lsm"
)

// engine is a state machine with what else a node asks of it. The methods that raft does not
// call may be called from any goroutine.
type engine interface {
	raft.Snapshotter
	// Keys returns the number of keys.
	Keys() int
	// Summarize identifies the state.
	Summarize() kv.Summary
	// WriteDump writes the state for people, equal text for equal states.
	WriteDump(w io.Writer) error
	// Halted is closed when a command could not be applied, and Err says why.
	Halted() <-chan struct{}
	Err() error
	// Close releases what the engine holds. Nothing else is called afterwards.
	Close() error
}

// inMemory is the engine that holds nothing but memory.
type inMemory struct{ *kv.Machine }

func (inMemory) Close() error { return nil }

// openEngine makes the engine that the configuration names.
func openEngine(cfg *Config) (engine, error) {
	switch cfg.Engine {
	case "", EngineMemory:
		return inMemory{kv.NewMachine()}, nil
	case EngineDisk:
		return lsm.Open(filepath.Join(cfg.Dir, stateFolder), lsm.Options{Logger: cfg.Logger})
	}
	return nil, fmt.Errorf("node: there is no engine %q", cfg.Engine)
}
