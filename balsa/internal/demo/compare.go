// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

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

// logHashes returns a hash of each node's log up to an index, as it is on disk.
func logHashes(all []*node.Node, last raft.Index) ([][sha256.Size]byte, error) {
	hashes := make([][sha256.Size]byte, len(all))
	for i, n := range all {
		var err error
		if hashes[i], err = logHash(n, last); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// readBytes is how much of a log is read at once.
const readBytes = 4 << 20

func logHash(n *node.Node, last raft.Index) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	var buf []byte
	for next := raft.Index(1); next <= last; {
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
