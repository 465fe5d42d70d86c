// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestHasEnded: whether a change is through is judged by one moment. A leader that removes itself
// learns at once that the change is committed, and that it was removed, and it is the former
// that counts.
func TestHasEnded(t *testing.T) {
	two := wire.NewMembership(Member{ID: 1, Address: "a", Priority: 3}, Member{ID: 2, Address: "b"})
	bound := two
	bound.Members = []Member{{ID: 1, Address: "a", Priority: 3, Incarnation: 7}, {ID: 2, Address: "b", Incarnation: 8}}
	other := wire.NewMembership(Member{ID: 1, Address: "a"}, Member{ID: 2, Address: "b"})
	joint := bound
	joint.Outgoing = []NodeID{1, 2}
	for name, test := range map[string]struct {
		now   standing
		ended bool
		want  error
	}{
		"not committed":          {standing{committed: bound, at: 5, committedAt: 4}, false, nil},
		"joint":                  {standing{committed: joint, at: 5, committedAt: 5}, false, nil},
		"through":                {standing{committed: bound, at: 5, committedAt: 5}, true, nil},
		"through, and removed":   {standing{committed: bound, at: 6, committedAt: 6, removedAt: 6}, true, nil},
		"removed unheard":        {standing{committed: joint, at: 5, committedAt: 5, removedAt: 6}, true, ErrChangeGoesOn},
		"removed before":         {standing{committed: joint, at: 5, committedAt: 5, removedAt: 3}, false, nil},
		"overwritten":            {standing{committed: bound, at: 4, committedAt: 4}, true, ErrChangeSuperseded},
		"another, by priority":   {standing{committed: other, at: 6, committedAt: 6}, true, ErrChangeSuperseded},
		"committed by followers": {standing{committed: bound, at: 7, committedAt: 5}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if ended, err := test.now.hasEnded(5, &two); ended != test.ended || !errors.Is(err, test.want) {
				t.Errorf("ended %v, %v; want %v, %v", ended, err, test.ended, test.want)
			}
		})
	}
}
