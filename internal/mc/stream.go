// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"encoding/binary"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// stream stands in for peer.Stream, with a window as wide as the log: what may be sent
// is sent at once, and is late if the network says so.
type stream struct {
	active        bool
	term          wire.Term
	epoch         wire.Epoch
	cursor, start wire.Index
	told          wire.Index
	probed        bool
}

func (s *stream) appendTo(buf []byte) []byte {
	if !s.active {
		return append(buf, 0)
	}
	probed := byte(1)
	if s.probed {
		probed = 2
	}
	buf = binary.AppendUvarint(append(buf, probed, byte(s.term)), uint64(s.epoch))
	return append(buf, byte(s.cursor), byte(s.start), byte(s.told))
}

// follow takes over an order and returns the messages that it leads to. If entries that
// it needs are not in the log any more, it stops before them and reports that.
func (s *stream) follow(order *core.Replicate, from *step) (messages []*wire.AppendEntries, isLost bool) {
	if !s.active || order.Term != s.term || order.Epoch != s.epoch {
		*s = stream{active: true, term: order.Term, epoch: order.Epoch, cursor: order.Prev.Index, start: order.Prev.Index}
	}
	s.cursor = max(s.cursor, order.Match) // The peer has it already.
	for s.maySend(order) {
		hi := min(order.Last, s.cursor+wire.Index(from.m.bounds.EntriesPerMessage))
		if hi > s.cursor && s.cursor < from.l.base.Index {
			return messages, true
		}
		messages = append(messages, &wire.AppendEntries{
			Term: order.Term, Epoch: order.Epoch, Prev: idAt(from.l.log, s.cursor), Commit: order.Commit,
			Entries: from.m.entries(from.l.log, s.cursor+1, hi),
		})
		s.cursor = hi
		s.probed = true
		s.told = max(s.told, order.Commit)
	}
	return messages, false
}

func (s *stream) maySend(order *core.Replicate) bool {
	switch {
	case order.Probe:
		return !s.probed
	case s.cursor < order.Last:
		return true
	}
	return order.News && s.told < order.Commit
}
