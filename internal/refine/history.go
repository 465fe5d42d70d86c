// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// history is what the specification remembers that no member needs to: ghosts. It is
// the set of messages ever sent, as far as an action may need one, and the tree of all
// logs that ever were.
//
// By Log Matching (figure 3), which the actions uphold, index and term of an entry
// determine everything before it. So a whole log is given by its last entry, and all
// of them are a tree: the entries of a term follow each other, and the first of them
// follows the log with which the leader of that term was elected.
type history struct {
	reigns map[wire.Term]*reign
	// candidacies are the logs with which candidates asked for votes.
	candidacies map[ballot]wire.LogID
	// grants are the votes that were granted to others.
	grants map[grant]bool
	// acks are the last entries that were acknowledged to the leader of a term.
	acks map[ballot]wire.Index
	// incarnations are what voters have voted with.
	incarnations map[ballot]wire.Incarnation
	// memberships are all that ever were in a log, in the order they came up.
	memberships []*membershipAt
	// committed is the longest log that a leader ever committed, the last of them that
	// of committedIn.
	committed   wire.LogID
	committedIn wire.Term
}

// reign is a leader's time.
type reign struct {
	leader wire.NodeID
	// base is the leader's log as it was elected, last the last entry that it appended,
	// or base's if none.
	base wire.LogID
	last wire.Index
	// binds says that it is the first of a group.
	binds bool
}

// ballot is a member in a term.
type ballot struct {
	term wire.Term
	node wire.NodeID
}

// grant is a vote, with the term and the voter.
type grant struct {
	ballot
	candidate wire.NodeID
}

// membershipAt is a membership with its entry.
type membershipAt struct {
	id         wire.LogID
	membership wire.Membership
}

func newHistory() history {
	return history{
		reigns: map[wire.Term]*reign{}, candidacies: map[ballot]wire.LogID{},
		grants: map[grant]bool{}, acks: map[ballot]wire.Index{}, incarnations: map[ballot]wire.Incarnation{},
	}
}

// leader returns who leads a term, zero if nobody is known to.
func (h *history) leader(term wire.Term) wire.NodeID {
	if r := h.reigns[term]; r != nil {
		return r.leader
	}
	return 0
}

// leaderLog returns the log of the leader of a term, as far as it ever got.
func (h *history) leaderLog(term wire.Term) wire.LogID {
	r := h.reigns[term]
	if r.last > r.base.Index {
		return wire.LogID{Term: term, Index: r.last}
	}
	return r.base
}

// base returns the log below the entries of the last entry's term.
func (h *history) base(log wire.LogID) wire.LogID { return h.reigns[log.Term].base }

// at returns the entry of a log at an index, the zero LogID at zero. The index must not
// be beyond the log.
func (h *history) at(log wire.LogID, index wire.Index) wire.LogID {
	if index == 0 {
		return wire.LogID{}
	}
	for log.Index > index {
		base := h.base(log)
		if base.Index < index {
			return wire.LogID{Term: log.Term, Index: index}
		}
		log = base
	}
	return log
}

// holds reports whether a log has an entry. Each has the zero LogID.
func (h *history) holds(log, entry wire.LogID) bool {
	return entry.Index <= log.Index && h.at(log, entry.Index) == entry
}

// common returns how long the prefix is that two logs share.
func (h *history) common(a, b wire.LogID) wire.Index {
	for a.Term != b.Term {
		if a.Term < b.Term {
			a, b = b, a
		}
		a = h.base(a)
	}
	return min(a.Index, b.Index)
}

// areFrom reports whether entries are part of a log.
func (h *history) areFrom(log wire.LogID, entries []wire.Entry) bool {
	last := entries[len(entries)-1].ID()
	if !h.holds(log, last) || wire.Index(len(entries)) > last.Index {
		return false
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].ID() != last {
			return false
		}
		last = h.at(last, last.Index-1)
	}
	return true
}

// membership returns the latest one in a log, and the one before it, nil if none. It is
// in effect from when it is appended on (§6).
func (h *history) membership(log wire.LogID) (latest, before *membershipAt) {
	for _, m := range h.memberships {
		if !h.holds(log, m.id) {
			continue
		}
		if latest == nil || m.id.Index > latest.id.Index {
			latest, before = m, latest
		} else if m.id != latest.id && (before == nil || m.id.Index > before.id.Index) {
			before = m
		}
	}
	return latest, before
}

// record remembers a membership that a leader has appended.
func (h *history) record(m *membershipAt) { h.memberships = append(h.memberships, m) }
