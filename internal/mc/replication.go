// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
)

// logMatching (I5): if two logs have an entry of one term at one place, they are the
// same up to there.
func (t *transition) logMatching() string {
	for place := range t.after.nodes {
		other := t.local(place)
		if index, differ := logsDiffer(t.is.log, other.log); differ {
			return fmt.Sprintf("nodes %d and %d agree in entry %d and not before: %s, %s",
				t.is.id, other.id, index, renderLog(t.is.log), renderLog(other.log))
		}
	}
	return ""
}

// ackedIsLeaders (I10): who tells a leader that it holds the log up to somewhere holds
// the leader's.
func (t *transition) ackedIsLeaders() string {
	for _, number := range t.outcome.sends {
		m := t.m.messages.at(number)
		term, match := acknowledged(m.payload)
		leader := t.local(int(m.to) - 1)
		if term == 0 || leader.status.Role != core.Leader || leader.status.HardState.Term != term {
			continue
		}
		if int(match) > len(leader.log) || int(match) > len(t.is.log) || !slices.Equal(leader.log[:match], t.is.log[:match]) {
			return fmt.Sprintf("%v, of %s, while the leader has %s", m, renderLog(t.is.log), renderLog(leader.log))
		}
	}
	return ""
}
