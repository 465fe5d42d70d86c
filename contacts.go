// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"time"

	"github.com/balsa-raft/raft/internal/core"
)

// Contact says when a member has last heard from another one.
type Contact struct {
	ID NodeID
	// Silence is for how long this member has heard nothing at all from the other or, if it never
	// has since it was started, for how long it has known it as a member.
	Silence time.Duration
	// Never says that it never has.
	Never bool
}

// contact is when a member was last heard from, the zero instant if never, and since when it is one.
type contact struct {
	id           NodeID
	since, heard core.Instant
}

// contacts are those of the members, by ascending ID. They are the loop's; the status board has
// a copy.
type contacts []contact

// use makes the contacts those of the members, but for this one. Who was a member already keeps what is
// known of it.
func (l *contacts) use(m *Membership, self NodeID, now core.Instant) {
	next := make(contacts, 0, len(m.Members))
	for _, member := range m.Members {
		if member.ID == self {
			continue
		}
		known := contact{id: member.ID, since: now}
		for _, c := range *l {
			if c.id == member.ID {
				known = c
			}
		}
		next = append(next, known)
	}
	*l = next
}

// hear records who has sent messages. Most runs of messages are of one member.
func (l contacts) hear(messages []delivery, now core.Instant) {
	last := NodeID(0)
	for i := range messages {
		from := messages[i].from
		if from == last {
			continue
		}
		last = from
		for j := range l {
			if l[j].id == from {
				l[j].heard = now
			}
		}
	}
}

// describe says what they are at a moment.
func (l contacts) describe(now core.Instant) []Contact {
	described := make([]Contact, 0, len(l))
	for _, c := range l {
		last := max(c.since, c.heard)
		described = append(described, Contact{ID: c.id, Silence: time.Duration(now - last), Never: c.heard == 0})
	}
	return described
}
