// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wal"
	"github.com/balsa-raft/raft/wire"
)

const (
	// groupID is the one group that a balsa cluster has.
	groupID raft.GroupID = 1
	// readBytes is how much of a log is read at once.
	readBytes = 4 << 20
)

// ReadLog reads the log in the folder of a node whose process has ended, up to the last
// index that the node is known to have applied.
func ReadLog(options wal.Options, last raft.Index) (entries []raft.Entry, err error) {
	options.Logger = slog.New(slog.DiscardHandler)
	log, err := wal.Open(options)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	for next := raft.Index(1); next <= last; next = raft.Index(len(entries)) + 1 {
		some, err := log.Entries(groupID, next, last, readBytes)
		if err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
		entries = append(entries, some...)
	}
	return entries, nil
}

// CompareLogs returns an error if two logs are not the same.
func CompareLogs(a, b []raft.Entry) error {
	for i := range min(len(a), len(b)) {
		if a[i].ID() != b[i].ID() || a[i].Kind != b[i].Kind || !bytes.Equal(a[i].Data, b[i].Data) {
			return fmt.Errorf("chaos: logs differ: entry %v %v of %d bytes, and %v %v of %d bytes",
				a[i].ID(), a[i].Kind, len(a[i].Data), b[i].ID(), b[i].Kind, len(b[i].Data))
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("chaos: logs differ: one has %d entries, the other %d", len(a), len(b))
	}
	return nil
}

// Replay applies a log to an empty state machine, as a node does when it starts.
func Replay(entries []raft.Entry) (*kv.Machine, error) {
	machine := kv.NewMachine()
	for _, entry := range entries {
		if entry.Kind == wire.EntryCommand {
			machine.Apply([]raft.Entry{entry})
		}
	}
	if err := machine.Err(); err != nil {
		return nil, fmt.Errorf("chaos: replay the log: %w", err)
	}
	return machine, nil
}
