// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

// runChanges runs the commands that are about memberships; see script.do.
func (s *script) runChanges(words []string) {
	switch words[0] {
	case "newcomer":
		a := &actor{id: wire.NodeID(len(s.actors) + 1)}
		s.actors = append(s.actors, a)
		s.start(a)
	case "change":
		var learners []wire.NodeID
		if len(words) > 3 {
			learners = s.list(words[3])
		}
		s.handle(s.actor(words[1]), ChangeRequested{Target: group(s.list(words[2]), learners...)})
	case "wipe":
		a := s.actor(words[1])
		a.disk = disk{incarnation: a.disk.incarnation + 100}
		s.start(a)
	case "members":
		s.members()
	}
}

// list reads IDs as in 1,2,3.
func (s *script) list(words string) []wire.NodeID {
	var list []wire.NodeID
	for word := range strings.SplitSeq(words, ",") {
		list = append(list, wire.NodeID(s.number(word)))
	}
	return list
}

func (s *script) members() {
	for _, a := range s.actors {
		standing := a.core.Standing()
		fmt.Fprintf(&s.out, "%d: %v at=%d committed-at=%d %s", a.id, a.core.role, standing.At, standing.CommittedAt, formatMembership(a.core.membership()))
		if standing.RemovedAt > 0 {
			fmt.Fprintf(&s.out, " removed at %d", standing.RemovedAt)
		}
		s.out.WriteString("\n")
		for _, m := range a.core.membership().Members {
			if m.Incarnation > anonymous {
				fmt.Fprintf(&s.out, "   %d is known by %d\n", m.ID, m.Incarnation)
			}
		}
	}
}
