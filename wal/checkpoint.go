// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// checkpointEntry is what a segment's checkpoint says of one group: its state when
// the segment was begun, without the entries.
type checkpointEntry struct {
	group     wire.GroupID
	hardState wire.HardState
	compacted wire.LogID
	last      wire.LogID
}

func (g *groupLog) checkpoint() checkpointEntry {
	return checkpointEntry{group: g.id, hardState: g.hardState, compacted: g.compacted, last: g.last}
}

// encodeSegmentStart returns the header and the checkpoint of a new segment, padded
// to whole blocks. It completes the header.
func encodeSegmentStart(h *segmentHeader, groups []*groupLog) []byte {
	h.state, h.groups = uint32(len(groups)*checkpointPerGroup), uint32(len(groups))
	buf := make([]byte, h.start())
	state := buf[fileHeaderBytes : fileHeaderBytes+h.state]
	for i, g := range groups {
		putCheckpointEntry(state[i*checkpointPerGroup:], g.checkpoint())
	}
	h.sumOfCP = crc32.Update(seedOf(h.incarnation, h.number), castagnoli, state)
	h.put(buf)
	return buf
}

func putCheckpointEntry(buf []byte, e checkpointEntry) {
	for i, v := range [...]uint64{
		uint64(e.group), uint64(e.hardState.Term), uint64(e.hardState.Vote),
		uint64(e.compacted.Term), uint64(e.compacted.Index), uint64(e.last.Term), uint64(e.last.Index),
	} {
		le.PutUint64(buf[8*i:], v)
	}
}

func parseCheckpointEntry(buf []byte) checkpointEntry {
	v := func(i int) uint64 { return le.Uint64(buf[8*i:]) }
	return checkpointEntry{
		group:     wire.GroupID(v(0)),
		hardState: wire.HardState{Term: wire.Term(v(1)), Vote: wire.NodeID(v(2))},
		compacted: wire.LogID{Term: wire.Term(v(3)), Index: wire.Index(v(4))},
		last:      wire.LogID{Term: wire.Term(v(5)), Index: wire.Index(v(6))},
	}
}
