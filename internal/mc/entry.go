// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// slot is an entry at a place of a log, which says its index. Value tells commands apart,
// and says which of the model's memberships a membership is.
type slot struct {
	term  wire.Term
	kind  wire.EntryKind
	value uint8
}

// entry makes the entry of a slot.
func (m *model) entry(log []slot, index wire.Index) wire.Entry {
	s := log[index-1]
	entry := wire.Entry{Index: index, Term: s.term, Kind: s.kind}
	switch s.kind {
	case wire.EntryCommand:
		entry.Data = []byte{s.value}
	case wire.EntryMembership:
		entry.Data = []byte(m.known.encoded[s.value])
	}
	return entry
}

// entries makes the entries from lo up to hi.
func (m *model) entries(log []slot, lo, hi wire.Index) []wire.Entry {
	var entries []wire.Entry
	for i := lo; i <= hi; i++ {
		entries = append(entries, m.entry(log, i))
	}
	return entries
}

// slotOf is the inverse of entry.
func (m *model) slotOf(e wire.Entry) slot {
	s := slot{term: e.Term, kind: e.Kind}
	switch e.Kind {
	case wire.EntryCommand:
		s.value = e.Data[0]
	case wire.EntryMembership:
		s.value = m.membershipNumber(e.Data)
	}
	return s
}

// membershipNumber finds a membership among the model's.
func (m *model) membershipNumber(encoded []byte) uint8 {
	number := slices.Index(m.known.encoded, string(encoded))
	invariant.Check(number >= 0, "mc: memberships are the model's")
	return uint8(number)
}

// membershipIn returns the membership at an index of a log, an empty one at zero.
func (m *model) membershipIn(log []slot, index wire.Index) wire.Membership {
	if index == 0 {
		return wire.Membership{}
	}
	return m.known.all[log[index-1].value]
}
