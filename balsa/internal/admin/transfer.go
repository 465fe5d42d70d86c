// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/balsa-raft/raft"
)

func (c *Config) transfer(ctx context.Context, r NodeRequest) (any, error) {
	status := c.Status()
	if status.Role != raft.RoleLeader {
		return nil, notLeader(&status)
	}
	begun := time.Now()
	if err := c.handOver(ctx, &status, r.ID); err != nil {
		return nil, err
	}
	if r.ID == status.ID {
		return HandedOver{Done: Done{State: StateDone}, Leader: status.Leader, Term: status.Term}, nil
	}
	status = c.awaitLeader(ctx, &status)
	return HandedOver{
		Done: Done{State: StateDone}, Leader: status.Leader, Term: status.Term,
		Milliseconds: milliseconds(time.Since(begun)),
	}, nil
}

// handOver hands leadership over, if that makes sense. Who leads already need not be given it.
func (c *Config) handOver(ctx context.Context, s *raft.Status, to raft.NodeID) error {
	switch {
	case to == s.ID:
		return nil
	case to != 0 && !s.Membership.Contains(to):
		return fmt.Errorf("%w: node %d", raft.ErrNotMember, to)
	case to != 0 && !s.Membership.IsVoter(to):
		return &Error{
			Status: http.StatusBadRequest, Code: CodeRefused, Node: s.ID, Leader: s.Leader,
			Message: fmt.Sprintf("node %d is a learner, and only voters lead: see promote", to),
		}
	}
	err := c.Group.TransferLeadership(ctx, to)
	if i := slices.IndexFunc(s.Peers, func(p raft.PeerStatus) bool { return p.ID == to }); err != nil && i >= 0 && s.Peers[i].Silence > s.ElectionTimeout {
		err = fmt.Errorf("%w: node %d has not answered for %v", err, to, s.Peers[i].Silence.Round(time.Millisecond))
	}
	return err
}

// lookInterval is how often awaitLeader looks.
const lookInterval = 2 * time.Millisecond

// awaitLeader waits until this node knows a leader of a later term than it did, for an election
// time-out at most.
func (c *Config) awaitLeader(ctx context.Context, before *raft.Status) raft.Status {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, before.ElectionTimeout)
	defer cancel()
	for {
		status := c.Status()
		if status.Leader != 0 && status.Term > before.Term {
			return status
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return status
		}
	}
}
