// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// model is what all workers share: the scope, and everything that has a number.
type model struct {
	bounds Bounds
	// known are the memberships that may be in effect.
	known *memberships
	// relabels are the renamings under which a state is still the same: all of them that
	// change no membership. What else is special in the beginning makes no difference.
	relabels []core.Relabel

	// mayRetire says that leaders may be removed, and invite others to campaign.
	mayRetire bool

	locals    *table[local]
	messages  *table[message]
	histories *table[history]
	outcomes  *memory

	tamper tamper
	// ignored are the invariants that are not watched, for tests of the others.
	ignored [invariants]bool
	// isPlain turns the reductions off but for symmetry, which isNamed turns off; for
	// tests of them.
	isPlain, isNamed bool
}

func newModel(bounds Bounds) *model {
	m := &model{
		bounds: bounds, locals: newTable[local](), messages: newTable[message](), histories: newTable[history](), outcomes: newMemory(),
	}
	m.known = bounds.memberships()
	m.mayRetire = len(m.known.retiring()) > 0
	m.relabels = m.known.symmetries(&m.bounds)
	return m
}

func (m *model) watches(i Invariant) bool { return !m.ignored[i] }

// renamings returns all renamings of the members, the one that changes nothing first.
func renamings(nodes int) []core.Relabel {
	var all []core.Relabel
	names := make([]wire.NodeID, 0, nodes)
	var extend func(used uint)
	extend = func(used uint) {
		if len(names) == nodes {
			renamed := append([]wire.NodeID{0}, names...)
			all = append(all, func(id wire.NodeID) wire.NodeID { return renamed[id] })
			return
		}
		for i := range nodes {
			if used&(1<<i) == 0 {
				names = append(names, wire.NodeID(i+1))
				extend(used | 1<<i)
				names = names[:len(names)-1]
			}
		}
	}
	extend(0)
	return all
}

func (m *model) internLocal(l *local) uint32 {
	buf := make([]byte, 0, 256)
	key := hashOf(l.appendTo(buf, m.relabels[0]))
	return m.locals.intern(key, func() *local {
		for _, relabel := range m.relabels {
			l.hashes = append(l.hashes, hashOf(l.appendTo(buf, relabel)))
		}
		return l
	})
}

func (m *model) internMessage(sent *message) uint32 {
	return m.messages.intern(sent.hash(m.relabels[0]), func() *message {
		for _, relabel := range m.relabels {
			sent.hashes = append(sent.hashes, sent.hash(relabel))
		}
		return sent
	})
}

func (m *model) internHistory(h *history) uint32 {
	return m.histories.intern(hashOf(h.appendTo(nil, m.relabels[0])), func() *history {
		for _, relabel := range m.relabels {
			h.hashes = append(h.hashes, hashOf(h.appendTo(nil, relabel)))
		}
		return h
	})
}
