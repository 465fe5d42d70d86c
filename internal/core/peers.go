// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/progress"
)

// leaveTimeouts is for how many election time-outs a leader replicates to who was removed,
// after that has been committed.
const leaveTimeouts = 2

// syncPeers makes a leader's peers those of the membership in effect, which may have
// changed. Who is not a member any more stays until it had time to learn of it.
func (c *Core) syncPeers() {
	l := c.leader
	for _, member := range c.membership().Members {
		if member.ID == c.cfg.ID {
			continue
		}
		i, found := l.place(member.ID)
		if !found {
			// A voter is who it is taken for until it says otherwise.
			p := &peerState{Progress: progress.New(member.ID, c.log.Last(), c.now), dirty: true, incarnation: member.Incarnation}
			p.Epoch = l.leftEpoch + 1
			l.peers = slices.Insert(l.peers, i, p)
		}
		l.peers[i].leaveAt = Never
	}
	for _, p := range l.peers {
		p.meant = c.membership().Incarnation(p.ID)
	}
	c.letLeave()
	c.wind()
}

// letLeave sets the time for who is not a member any more.
func (c *Core) letLeave() {
	for _, p := range c.leader.peers {
		if !c.membership().Contains(p.ID) {
			p.leaveAt = c.now + leaveTimeouts*c.cfg.ElectionTimeout
		}
	}
}

// wind sets the deadlines that a leader has only if there are peers.
func (c *Core) wind() {
	l := c.leader
	switch {
	case len(l.peers) == 0:
		l.heartbeatAt, l.quorumAt = Never, Never
	case l.heartbeatAt == Never:
		l.heartbeatAt, l.quorumAt = c.now+c.cfg.HeartbeatInterval, c.now+c.cfg.ElectionTimeout
	}
}

// dropLeavers stops replicating to those who were removed, when that is committed and they
// had their time.
func (c *Core) dropLeavers() {
	l := c.leader
	if l == nil || c.memberships[len(c.memberships)-1].index > c.commit {
		return
	}
	l.peers = slices.DeleteFunc(l.peers, func(p *peerState) bool {
		isDue := p.leaveAt <= c.now
		if isDue {
			l.leftEpoch = max(l.leftEpoch, p.Epoch)
			c.emit(StopReplication{To: p.ID})
		}
		return isDue
	})
	c.wind()
}
