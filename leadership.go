// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"

	"github.com/balsa-raft/raft/internal/core"
)

// ErrTransferFailed means that leadership was not handed over: this member does not lead, or
// the other is this one, is no voter, does not answer, or did not take over within an election
// time-out. Whoever led leads on, or has lost leadership for another reason.
var ErrTransferFailed = errors.New("raft: leadership was not handed over")

// TransferLeadership hands leadership over to another voter (thesis §3.10) or, if to is zero, to the
// one that is most caught up; of those that are nearly so, to one of the highest priority. It is to
// be called on the leader, and takes at most an election time-out; proposals wait meanwhile.
//
// It returns nil when another term has begun: nearly always that of the other, but if that fails
// in the middle of it, somebody else may win the election. Status tells who leads. Nobody is
// waited for that would not lead: one that is drained, or whose disk hangs, makes
// ErrTransferFailed. A hand-over that goes on already makes it at once; but if that was asked for by
// another call, both return when it ends, with the same outcome, whoever it goes to.
//
// If ctx ends first, or the group stops (ErrStopped), leadership may be handed over all the same.
func (g *Group) TransferLeadership(ctx context.Context, to NodeID) error {
	ok, err := g.ask(ctx, core.TransferRequested{To: to})
	if err == nil && !ok {
		err = ErrTransferFailed
	}
	return err
}

// Drain tells this member not to lead, until Undrain or until the group is started again. It does
// not wait: a leader hands over after that, and tries so again and again as long as nobody takes
// over; it leads meanwhile, but proposals wait during each try. A drained member votes as ever. If all members that could lead are
// drained, nobody is elected. To drain twice is harmless.
//
// If ctx ends first, or the group stops (ErrStopped), the member may be drained all the same.
func (g *Group) Drain(ctx context.Context) error {
	_, err := g.ask(ctx, core.DrainRequested{On: true})
	return err
}

// Undrain takes Drain back. It does not wait either, and begins no election.
func (g *Group) Undrain(ctx context.Context) error {
	_, err := g.ask(ctx, core.DrainRequested{})
	return err
}

// Campaign starts an election on this member, as if its election time-out had passed, with its
// pre-vote (thesis §9.6): where a leader is alive, nothing comes of it. Nor does anything on a leader, or on
// a member that must not lead, because it is a learner, drained, or has lost its disk. It does not
// wait; who leads then is in Status.
func (g *Group) Campaign(ctx context.Context) error {
	_, err := g.ask(ctx, core.CampaignRequested{})
	return err
}
