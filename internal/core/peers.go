// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
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
		l.peers[i].leaveAt, l.peers[i].meant = Never, member.Incarnation
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

// isReborn notices that a peer answers with another data folder than before: nothing that it
// had acknowledged is there any more, and replication to it begins from nothing. An answer that
// names none is one to a leader of an earlier term; see teachTerm.
func (c *Core) isReborn(p *peerState, incarnation wire.Incarnation) bool {
	before := p.incarnation
	if incarnation == 0 {
		return false
	}
	p.incarnation = incarnation
	if meant := c.membership().Incarnation(p.ID); before != incarnation && meant != 0 && meant != incarnation {
		c.emit(Notice{Kind: PeerLostDisk, Peer: p.ID})
	}
	if before == 0 || before == incarnation {
		return false
	}
	p.Restart(c.log.Last())
	p.told, p.catchUp, p.dirty = 0, catchUp{}, true
	return true
}

// removalOf returns where it is recorded that a node is no member any more: the index of the
// latest membership that is known to be committed; zero if it is a member there, or nothing
// is known.
func (c *Core) removalOf(id wire.NodeID) wire.Index {
	at := c.committedMembership()
	if at.index == 0 || at.membership.IsEmpty() || at.membership.Contains(id) {
		return 0
	}
	return at.index
}

// committedMembership is the latest that is known to be committed.
func (c *Core) committedMembership() *membershipAt {
	n := len(c.memberships) - 1
	for n > 0 && c.memberships[n].index > c.commit {
		n--
	}
	return &c.memberships[n]
}

// learnRemoval takes in that a member says that this one was removed. It is news for people
// only: the sender may be wrong in all that it says.
func (c *Core) learnRemoval(from wire.NodeID, at wire.Index) {
	if c.removedAt < at && !c.isOldNews(at) {
		c.removedAt = at
		c.emit(Notice{Kind: Removed, Peer: from})
	}
}

// isOldNews reports whether this member has a later membership than the one of an index: it
// was added again. But one that is not known to be committed, of a term that is over, may be
// what a leader that was cut off has appended, and was replaced by the removal.
func (c *Core) isOldNews(at wire.Index) bool {
	latest := c.memberships[len(c.memberships)-1].index
	term, held := c.log.Term(latest)
	mayBeReplaced := latest > c.commit && held && term < c.hard.Term
	return at <= c.committedMembership().index || at <= latest && !mayBeReplaced
}

// wasMember reports whether this member, which is not part of the latest committed membership,
// was part of one before, as far as it knows: a newcomer that catches up was not. Of what came
// before a snapshot nothing is known.
func (c *Core) wasMember() bool {
	if c.memberships[0].index > 0 && c.memberships[0].index <= c.snapshot.Index {
		return true
	}
	return slices.ContainsFunc(c.memberships, func(at membershipAt) bool {
		return at.index < c.committedMembership().index && at.membership.Contains(c.cfg.ID)
	})
}

// watchMembership notices that another membership was committed.
func (c *Core) watchMembership() {
	at := c.committedMembership()
	if at.index <= c.knownMembership {
		return
	}
	c.knownMembership = at.index
	if at.membership.Contains(c.cfg.ID) {
		c.removedAt = 0
	} else if c.wasMember() {
		c.removedAt = cmp.Or(c.removedAt, at.index)
	}
	if c.leader != nil {
		c.letLeave()
	}
}
