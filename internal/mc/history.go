// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// history is what the invariants have to remember. It is part of a state, so that what
// is remembered does not depend on which way to the state was found first.
type history struct {
	// leaders are those elected, by term.
	leaders []wire.NodeID
	// committed are the entries that were, and terms the first of the leaders that did it.
	committed []slot
	terms     []wire.Term
	hashes    []hash // under each renaming
}

func (h *history) clone() *history {
	return &history{leaders: slices.Clone(h.leaders), committed: slices.Clip(h.committed), terms: slices.Clone(h.terms)}
}

func (h *history) appendTo(buf []byte, relabel core.Relabel) []byte {
	buf = append(buf, 'h')
	for _, id := range h.leaders {
		if id > 0 {
			id = relabel(id)
		}
		buf = append(buf, byte(id))
	}
	buf = appendSlots(buf, h.committed)
	for _, term := range h.terms {
		buf = append(buf, byte(term))
	}
	return buf
}

// firstHistory is what is remembered in the beginning: what is committed then was by the
// leaders of the entries' terms.
func (m *model) firstHistory() *history {
	h := &history{leaders: make([]wire.NodeID, m.bounds.TermMax+1)}
	for _, entry := range m.disks()[0].log[:m.bounds.Committed] {
		h.committed, h.terms = append(h.committed, entry), append(h.terms, entry.term)
	}
	if m.bounds.Offered {
		h.leaders[m.disks()[0].hard.Term] = nodeAt(0)
	}
	return h
}

func nodeAt(place int) wire.NodeID { return wire.NodeID(place + 1) }
