// SPDX-License-Identifier: Apache-2.0

package wire

// Update is one atomic change of one group's part of a log store: after a crash
// either all of it is there or none of it. A zero field changes nothing.
type Update struct {
	Group GroupID
	// HardState replaces the group's hard state unless it is zero.
	HardState HardState
	// Reset, unless zero, makes the log start anew right behind this point,
	// which a snapshot covers; all entries the group had are gone.
	Reset LogID
	// Entries are contiguous and replace whatever stands at or after the index
	// of the first of them.
	Entries []Entry
	// Compact, unless zero, says that entries up to and including this index are
	// not needed any more. The store may keep them for a while.
	Compact Index
}

// TermStart says that the entries from First on, up to the next TermStart, are of Term.
type TermStart struct {
	Term  Term
	First Index
}

// LogState is what a log store knows about one group when it is opened.
type LogState struct {
	HardState HardState
	// Compacted is the LogID of the last entry that is not held any more because
	// a snapshot covers it; zero when the log is whole.
	Compacted LogID
	// Last is the index of the last entry, Compacted.Index when there is none.
	Last Index
	// Terms are the runs of entries of one term, ascending in both fields, from
	// the first entry held to Last. Empty when no entry is held.
	Terms []TermStart
	// Memberships are all membership entries held, ascending.
	Memberships []Entry
}
