// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/wal"
)

// compare waits until the nodes have come to rest, and compares what they have come to.
func (t *tour) compare(ctx context.Context) error {
	all := t.cluster.all()
	var last raft.Index
	if err := t.until(ctx, "all nodes have applied the same, and have it on their disks", func() bool {
		last = t.commit()
		return !slices.ContainsFunc(all, func(n *node.Node) bool { return !isAtRest(n.Status(), last) })
	}); err != nil {
		return err
	}
	states := summaries(all)
	first, logs, err := t.compareLogs(ctx, all, last)
	if err != nil {
		return err
	}
	t.found.StatesEqual, t.found.LogsEqual = allEqual(states), allEqual(logs)
	t.found.StateHash, t.found.Keys, t.found.AppliedIndex = states[0].Hash, states[0].Keys, last
	t.found.LogsFrom = first
	t.out.event("compared the states, and the %s entries that all logs have", grouped(int64(last+1-first)))
	return nil
}

// isAtRest reports whether a node has nothing left to do about the log up to its last
// entry. That it has applied an entry does not say that it has it on its own disk: it
// is enough that a majority has.
func isAtRest(s raft.Status, last raft.Index) bool {
	return s.AppliedIndex == last && s.LastIndex == last && s.DurableIndex == last
}

// compareLogs hashes the part of the logs that all nodes still have. A log that is
// compacted meanwhile is no fault, and has it done again.
func (t *tour) compareLogs(ctx context.Context, all []*node.Node, last raft.Index) (first raft.Index, logs [][sha256.Size]byte, err error) {
	waited := t.until(ctx, "no log is compacted while it is read", func() bool {
		first = latestBeginning(all)
		logs, err = logHashes(all, first, last)
		return !errors.Is(err, wal.ErrNotFound)
	})
	return first, logs, errors.Join(waited, err)
}

// latestBeginning returns the first entry that all logs have: those before it are forgotten
// somewhere, because a snapshot covers them.
func latestBeginning(all []*node.Node) (first raft.Index) {
	for _, n := range all {
		first = max(first, n.Status().FirstIndex)
	}
	return first
}

// summaries returns what identifies each node's state.
func summaries(all []*node.Node) []kv.Summary {
	found := make([]kv.Summary, len(all))
	for i, n := range all {
		found[i] = n.Summarize()
	}
	return found
}

// allEqual reports whether there is one of each node, and all are the same.
func allEqual[T comparable](found []T) bool {
	return len(found) == nodes && len(slices.Compact(slices.Clone(found))) == 1
}

// logHashes returns a hash of a part of each node's log, as it is on disk.
func logHashes(all []*node.Node, first, last raft.Index) ([][sha256.Size]byte, error) {
	hashes := make([][sha256.Size]byte, len(all))
	for i, n := range all {
		var err error
		if hashes[i], err = logHash(n, first, last); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// readBytes is how much of a log is read at once.
const readBytes = 4 << 20

func logHash(n *node.Node, first, last raft.Index) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	var buf []byte
	for next := first; next <= last; {
		entries, err := n.Log().Entries(n.Group(), next, last, readBytes)
		if err != nil {
			return sum, fmt.Errorf("demo: read the log of node %d: %w", n.Status().ID, err)
		}
		for _, entry := range entries {
			buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(entry.Index))
			buf = binary.LittleEndian.AppendUint64(buf, uint64(entry.Term))
			buf = binary.LittleEndian.AppendUint64(append(buf, byte(entry.Kind)), uint64(len(entry.Data)))
			h.Write(append(buf, entry.Data...))
		}
		next += raft.Index(len(entries))
	}
	h.Sum(sum[:0])
	return sum, nil
}
