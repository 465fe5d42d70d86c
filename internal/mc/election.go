// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
)

// electionSafety (I1): a term's leader is the only one ever, restarts included.
func (t *transition) electionSafety() string {
	term := t.is.status.HardState.Term
	if other := t.history.leaders[term]; other != 0 && other != t.is.id {
		return fmt.Sprintf("node %d leads term %d, which node %d had led", t.is.id, term, other)
	}
	if t.history.leaders[term] == 0 {
		t.remember().leaders[term] = t.is.id
	}
	return ""
}

// leaderCompleteness (I6): whoever leads holds what was committed in earlier terms.
func (t *transition) leaderCompleteness() string {
	for place := range t.after.nodes {
		l := t.local(place)
		if l.status.Role != core.Leader {
			continue
		}
		for i, entry := range t.history.committed {
			if t.history.terms[i] < l.status.HardState.Term && (i >= len(l.log) || l.log[i] != entry) {
				return fmt.Sprintf("node %d leads term %d with %s; committed in earlier terms is %s",
					l.id, l.status.HardState.Term, renderLog(l.log), renderLog(t.history.committed[:i+1]))
			}
		}
	}
	return ""
}
