// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// leaderState is what only a leader knows; it is dropped when its term ends.
type leaderState struct {
	// peers are all other members, and those that have been removed and don't know yet, by
	// ascending ID.
	peers []*peerState
	// leftEpoch is the highest of those that were peers: one that is added again takes what is
	// of an older stream for stale.
	leftEpoch wire.Epoch
	// appended says that there are new entries since the streams were last told.
	appended bool
	// newsAt is when those that were not told of the commit index will be.
	newsAt Instant

	round       wire.Round
	heartbeatAt Instant
	// quorumAt is when to look again whether a quorum has answered lately.
	quorumAt Instant

	// transferTo is who is to lead next, zero while no transfer is under way.
	transferTo    wire.NodeID
	transferUntil Instant
	// invited says that transferTo was told to start its election, isAsked that the transfer
	// is to be answered.
	invited, isAsked bool
	// preferAt is from when on to look for a voter of higher priority.
	preferAt Instant
	// isRetiring says that this member is not a voter any more, and hands over.
	isRetiring bool
}

// peerState is what a leader knows of a peer.
type peerState struct {
	*progress.Progress
	// dirty says that its stream has to be told something at the end of this step; news,
	// that this includes the commit index; told is the commit index that went with
	// entries, or as news.
	dirty, news bool
	told        wire.Index
	// incarnation is the one that the peer has answered with, zero if it has not yet; meant the
	// one that the membership in effect has for it.
	incarnation, meant wire.Incarnation
	catchUp            catchUp
	// declined is how often it did not take over when this leader wanted it to, askAgainAt from
	// when on the leader may ask again of its own accord.
	declined   uint8
	askAgainAt Instant
	// leaveAt is Never for members. Who was removed is replicated to until then, so that it
	// learns of it.
	leaveAt Instant
}

func (l *leaderState) peer(id wire.NodeID) *peerState {
	i, found := l.place(id)
	if !found {
		return nil
	}
	return l.peers[i]
}

func (l *leaderState) place(id wire.NodeID) (int, bool) {
	return slices.BinarySearchFunc(l.peers, id, func(p *peerState, id wire.NodeID) int {
		return cmp.Compare(p.ID, id)
	})
}

func (l *leaderState) markAllDirty() {
	for _, p := range l.peers {
		p.dirty = true
	}
}

// becomeLeader begins a leadership with a blank entry (§8): committing it commits
// everything before it, which counting alone must not (§5.4.2). The first leader of a group
// begins with the incarnations of its voters instead (see formation.go).
func (c *Core) becomeLeader() {
	first := wire.Entry{Kind: wire.EntryBlank}
	if c.isForming() {
		first = c.bindMembership()
	}
	c.become(Leader)
	c.leader = &leaderState{heartbeatAt: Never, quorumAt: Never, transferUntil: Never, newsAt: Never}
	c.leader.preferAt = c.now + preferSoonest*c.cfg.ElectionTimeout
	c.syncPeers()
	c.append([]wire.Entry{first})
}

// propose appends commands to the leader's log (§5.3).
func (c *Core) propose(entries []wire.Entry) {
	if len(entries) == 0 {
		return
	}
	if c.leader == nil || c.leader.transferTo != 0 {
		// While leadership is being handed over, the next leader is not known yet.
		leader := c.knownLeader()
		if c.leader != nil {
			leader = 0
		}
		c.emit(RejectProposals{Term: c.hard.Term, Leader: leader, Count: len(entries)})
		return
	}
	c.append(entries)
	c.emit(AcceptProposals{First: entries[0].Index, Term: c.hard.Term, Count: len(entries)})
}

// append stamps entries with index and leadership term, and starts their way to the
// leader's own disk and to the peers at the same time (thesis §10.2.1).
func (c *Core) append(entries []wire.Entry) {
	last := c.log.Last()
	for i := range entries {
		entries[i].Index = last + 1 + wire.Index(i)
		entries[i].Term = c.hard.Term
	}
	c.appendToIndex(entries)
	c.write(entries)
	c.leader.markAllDirty()
	c.leader.appended = true
}

// flushReplication tells the streams, once a step, what there is to do.
func (c *Core) flushReplication() {
	l := c.leader
	if l == nil {
		return
	}
	for _, p := range l.peers {
		if !p.dirty || p.State == progress.Snapshot {
			continue
		}
		news := p.news
		p.dirty, p.news = false, false
		prev := wire.LogID{Index: p.Next - 1}
		term, held := c.log.Term(prev.Index)
		if !held {
			c.needSnapshot(p)
			continue
		}
		prev.Term = term
		matchTerm, _ := c.log.Term(p.Match)
		c.emit(Replicate{
			To: p.ID, Term: c.hard.Term, Epoch: p.Epoch, Prev: prev, Probe: p.State == progress.Probe,
			Last: c.log.Last(), Commit: c.commit, News: news,
			Match: p.Match, MatchTerm: matchTerm,
		})
		if news || l.appended {
			p.told = c.commit
		}
		p.Check(c.log.Last())
	}
	l.appended = false
}

func (c *Core) entriesSent(e EntriesSent) {
	if c.leader != nil {
		if p := c.leader.peer(e.Peer); p != nil {
			p.ReportSent(e.Epoch, min(e.Last, c.log.Last()))
		}
	}
}

// appendReply takes in what a peer holds, or where its log differs (§5.3).
func (c *Core) appendReply(from wire.NodeID, m *wire.AppendReply) {
	p := c.answeringPeer(from, m.Term)
	if p == nil || c.isReborn(p, m.Incarnation) || m.Epoch != p.Epoch {
		return
	}
	if m.Rejected {
		c.backUp(p, m)
		return
	}
	c.acknowledged(p, m.Match)
}

// answeringPeer returns the progress of the sender of a reply in this leadership
// term, and notes the contact; nil if the reply is stale or none of ours.
func (c *Core) answeringPeer(from wire.NodeID, term wire.Term) *peerState {
	if c.leader != nil && term == c.hard.Term {
		p := c.leader.peer(from)
		if p != nil {
			p.Contact = c.now
			return p
		}
	}
	c.learnTerm(from, term)
	return nil
}

func (c *Core) acknowledged(p *peerState, match wire.Index) {
	if match > c.log.Last() {
		c.drop(p.ID, "an acknowledgement beyond the log")
		return
	}
	if p.State == progress.Snapshot && match < c.log.Compacted().Index {
		return // It goes on needing one.
	}
	wasProbing := p.State == progress.Probe
	moved := p.Acknowledge(match)
	if !c.membership().IsVoter(p.ID) {
		p.catchUp.advance(p.Match, c.log.Last(), c.now, c.cfg.ElectionTimeout)
	}
	if moved {
		c.advanceCommit()
		c.inviteTransferee(p)
	} else if !wasProbing {
		return
	}
	p.dirty = true
}

// backUp probes further back in the log, skipping whole terms that cannot match
// (§5.3): the peer has named its last entry that is not after Prev in index or
// term, and of this log nothing after the same can match it.
func (c *Core) backUp(p *peerState, m *wire.AppendReply) {
	if p.State == progress.Snapshot {
		return
	}
	if m.Match <= p.Match {
		// It holds more than that: the reply was overtaken by another. But a probe is
		// the only message of its epoch, so that nothing can have overtaken its answer.
		if m.Match == p.Match && m.Match > 0 && p.State == progress.Probe {
			c.emit(Notice{Kind: PeerLostLog, Peer: p.ID})
		}
		return
	}
	next := c.log.LastNotAfter(m.Conflict.Index, m.Conflict.Term).Index + 1
	p.BecomeProbe(min(next, m.Match))
	p.dirty = true
}

// peerUnreachable: what was sent may be lost, so the stream has to find its place again.
func (c *Core) peerUnreachable(peer wire.NodeID) {
	if c.leader == nil {
		return
	}
	if p := c.leader.peer(peer); p != nil && p.State == progress.Replicate {
		p.BecomeProbe(p.Match + 1)
		p.dirty = true
	}
	if c.leader.transferTo == peer {
		c.giveUpTransfer()
	}
}
