// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"

	"github.com/balsa-raft/raft/internal/core"
)

// ErrTransferFailed means that leadership was not handed over: this member does not lead, or
// the other is no voter, does not answer, or did not take over within an election time-out.
// Whoever led leads on, or has lost leadership for another reason.
var ErrTransferFailed = errors.New("raft: leadership was not handed over")

// TransferLeadership hands leadership over to another voter, or to the one that is most
// caught up if to is zero (thesis §3.10). It returns when another term has begun. It takes at most an
// election time-out; proposals wait meanwhile.
func (g *Group) TransferLeadership(ctx context.Context, to NodeID) error {
	ok, err := g.ask(ctx, core.TransferRequested{To: to})
	if err == nil && !ok {
		err = ErrTransferFailed
	}
	return err
}

// Drain tells this member not to lead, until Undrain or a restart of the group. If it
// leads, it hands over, and tries so again and again. It votes as ever. If all members that
// could lead are drained, nobody does.
func (g *Group) Drain(ctx context.Context) error {
	_, err := g.ask(ctx, core.DrainRequested{On: true})
	return err
}

// Undrain takes Drain back.
func (g *Group) Undrain(ctx context.Context) error {
	_, err := g.ask(ctx, core.DrainRequested{})
	return err
}

// Campaign starts an election on this member, as if its election time-out had passed, with its
// pre-vote: where a leader is alive, nothing comes of it. It does not wait.
func (g *Group) Campaign(ctx context.Context) error {
	_, err := g.ask(ctx, core.CampaignRequested{})
	return err
}
