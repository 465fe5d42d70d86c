// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
)

var (
	pair     = raft.Membership{Voters: []raft.NodeID{1, 2}, Members: []raft.Member{{ID: 1, Address: "a:1"}, {ID: 2, Address: "b:2"}}}
	follows  = raft.Status{ID: 1, Leader: 2, Membership: pair}
	leads    = raft.Status{ID: 1, Leader: 1, Role: raft.RoleLeader, Membership: pair}
	elects   = raft.Status{ID: 1, Membership: pair}
	removed  = raft.Status{ID: 3, Leader: 2, Membership: pair, RemovedAt: 7}
	silent   = raft.Status{ID: 3, Membership: pair, RemovedAt: 7}
	told     = raft.Status{ID: 1, Membership: pair, RemovedAt: 7}
	joins    = raft.Status{ID: 3}
	receives = raft.Status{ID: 3, Leader: 2}
)

func TestOutsideOf(t *testing.T) {
	disputed := told
	disputed.Leader = 2
	failed := joins
	failed.Failure = errors.New("disk full")
	tests := []struct {
		name   string
		status raft.Status
		why    string
	}{
		{"leads", leads, ""}, {"follows", follows, ""}, {"elects", elects, ""}, {"receives its first snapshot", receives, ""},
		{"was told that it was removed, and follows", disputed, ""}, {"has failed", failed, ""},
		{"was removed", removed, "node 3 was removed from the group"}, {"was removed long ago", silent, "node 3 was removed from the group"},
		{"was told that it was removed", told, "node 1 was removed from the group"},
		{"waits to be joined", joins, "node 3 is a member of no group yet"},
	}
	for _, test := range tests {
		why := ""
		if outside := outsideOf(&test.status); outside != nil {
			why = outside.Error()
		}
		if why != test.why {
			t.Errorf("who %s: %q, want %q", test.name, why, test.why)
		}
	}
}

// waitingGroup takes what is proposed and never answers. It withdraws it when the caller goes away, or does not
// know what became of it.
type waitingGroup struct {
	status  atomic.Pointer[raft.Status]
	unknown bool
}

func (g *waitingGroup) ProposeBatch(ctx context.Context, _ [][]byte) ([]raft.Result, error) {
	<-ctx.Done()
	if g.unknown {
		return nil, &raft.UnknownOutcomeError{Cause: context.Cause(ctx)}
	}
	return nil, errors.Join(raft.ErrNoLeader, context.Cause(ctx))
}

func (g *waitingGroup) Status() raft.Status { return *g.status.Load() }

// TestOutside: who is no member says so at once, and who stops being one while a command waits, soon.
func TestOutside(t *testing.T) {
	const limit = 5 * time.Second
	tests := []struct {
		before, after raft.Status
		unknown       bool
		reply         string
		within        time.Duration
	}{
		{removed, removed, false, "CLUSTERDOWN node 3 was removed from the group, the command was not applied", 0},
		{joins, joins, false, "CLUSTERDOWN node 3 is a member of no group yet, the command was not applied", 0},
		{elects, told, false, "CLUSTERDOWN node 1 was removed from the group, the command was not applied", waitLookInterval},
		{follows, removed, true, "UNKNOWN outcome unknown: node 3 was removed from the group", waitLookInterval},
		{elects, elects, false, "TRYAGAIN not applied: no leader: context deadline exceeded", limit},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			g := &waitingGroup{unknown: test.unknown}
			g.status.Store(&test.before)
			s := &Server{cfg: Config{Group: g, RequestTimeout: limit}, ctx: t.Context()}
			b := &batch{proposed: [][]byte{nil}, replies: [][]byte{nil, []byte("+PONG\r\n")}}
			begun := time.Now()
			time.AfterFunc(insideTimeout, func() { g.status.Store(&test.after) })
			s.propose(b)
			took := time.Since(begun)
			if got := strings.TrimSpace(string(b.replies[0])); got != "-"+test.reply || took != test.within {
				t.Errorf("%+v, then %+v: %q after %v, want %q after %v", test.before, test.after, got, took, test.reply, test.within)
			}
		})
	}
}

// TestInsideAgain: a node that is made a member serves at once, and one that is removed does not for long.
func TestInsideAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &waitingGroup{}
		g.status.Store(&joins)
		s := &Server{cfg: Config{Group: g, RequestTimeout: time.Second}, ctx: t.Context()}
		if outside := s.outside(); outside == nil {
			t.Error("who waits to be joined can serve")
		}
		g.status.Store(&follows)
		if outside := s.outside(); outside != nil {
			t.Errorf("who follows: %v", outside)
		}
		g.status.Store(&removed)
		time.Sleep(insideTimeout)
		if outside := s.outside(); outside == nil {
			t.Error("who was removed can serve")
		}
	})
}

// TestOutsideOverTheWire: the reply is an error of one line.
func TestOutsideOverTheWire(t *testing.T) {
	g := &waitingGroup{}
	g.status.Store(&joins)
	c := dial(t, start(t, g, nil))
	for _, command := range [][]string{{"SET", "a", "1"}, {"GET", "a"}} {
		if got, want := do(t, c, command...), "-CLUSTERDOWN node 3 is a member of no group yet, the command was not applied"; got != want {
			t.Errorf("%s: %q, want %q", fmt.Sprint(command), got, want)
		}
	}
	if got := do(t, c, "PING"); got != "+PONG" {
		t.Errorf("PING: %q", got)
	}
}
