// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/wire"
)

// perform gives each effect to its lane, in order.
func (g *Group) perform(effects []core.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case core.AcceptProposals:
			g.accepted(e)
		case core.RejectProposals:
			g.rejected()
		case core.WriteLog:
			g.writeLog(e)
		case core.Replicate:
			g.replicate(e)
		case core.StopReplication:
			g.stopReplication(e.To)
		case core.OfferSnapshot:
			g.offerSnapshot(e)
		case core.FetchSnapshot:
			g.fetchSnapshot(e)
		case core.DropSnapshot:
			g.snapshots.Damaged(e.ID)
		case core.RestoreSnapshot:
			g.restoreSnapshot(e)
		case core.Send:
			g.node.send(e.To, g.cfg.ID, e.Message)
		case core.Apply:
			g.applier.Through(e.Through)
		case core.UseMembership:
			g.useMembership(&e.Membership)
		case core.AnswerInitialize:
			answer(&g.initializing, verdict{ok: !e.Conflict})
		case core.TransferEnded:
			g.publish() // Who asked may look at once.
			for len(g.transferring) > 0 {
				answer(&g.transferring, verdict{ok: e.Done})
			}
		case core.AnswerChange:
			g.status.showStanding(g.core) // Before anybody waits for it to move.
			answer(&g.changing, verdict{change: e})
		case core.RoleChanged:
			g.roleChanged(e)
		case core.Notice:
			g.notice(e)
		}
	}
}

// writeLog puts entries into the cache, where streams and applier find them, and
// queues them for the disk.
func (g *Group) writeLog(e core.WriteLog) {
	if e.Reset.Index > 0 {
		g.cache.Reset(e.Reset.Index + 1)
	}
	if len(e.Entries) > 0 {
		g.cache.Append(e.Entries)
	}
	update := wire.Update{Group: g.cfg.ID, HardState: e.HardState, Reset: e.Reset, Entries: e.Entries, Compact: e.Compact}
	g.node.writer.Queue(writerReports{g}, uint64(e.Seq), update)
}

// writerReports is how the log writer talks to a group.
type writerReports struct{ g *Group }

// LogSynced tells the loop what is durable. A writer that has nothing else to do
// takes the loop's turn itself.
func (r writerReports) LogSynced(seq uint64, idle bool) {
	if r.g.inbox.logSynced(core.Seq(seq)) {
		r.g.awake(idle)
	}
}

// LogFailed stops the group: nobody knows what the disk holds.
func (r writerReports) LogFailed(err error) {
	if r.g.inbox.fail(err) {
		r.g.awake(false)
	}
}

func (g *Group) replicate(e core.Replicate) {
	if s := g.stream(e.To); s != nil {
		s.Follow(peer.Order{
			Term: e.Term, Epoch: e.Epoch, Prev: e.Prev, Probe: e.Probe, Last: e.Last, Commit: e.Commit, News: e.News,
			Match: e.Match, MatchTerm: e.MatchTerm,
		})
	}
}

func (g *Group) stopReplication(to NodeID) {
	for _, s := range g.streams {
		if to == 0 || s.id == to {
			s.Stop()
		}
	}
	g.closeStrangers()
}

// closeStrangers ends the streams to those who are neither members nor replicated to until
// they know that they are not.
func (g *Group) closeStrangers() {
	known := g.core.Membership().Contains
	g.streams = slices.DeleteFunc(g.streams, func(s *stream) bool {
		if known(s.id) || g.core.HasPeer(s.id) {
			return false
		}
		s.Stop()
		s.Close()
		return true
	})
}

func (g *Group) stream(id NodeID) *stream {
	i, found := g.streamPlace(id)
	if !found {
		return nil
	}
	return g.streams[i]
}

func (g *Group) streamPlace(id NodeID) (int, bool) {
	return slices.BinarySearchFunc(g.streams, id, func(s *stream, id NodeID) int { return cmp.Compare(s.id, id) })
}

// useMembership makes the members reachable, and starts a stream for each that has
// none yet.
func (g *Group) useMembership(m *Membership) {
	g.contacts.use(m, g.node.cfg.ID, g.node.now())
	for _, member := range m.Members {
		if member.ID == g.node.cfg.ID {
			continue
		}
		g.node.cfg.Transport.Connect(member.ID, member.Address)
		if i, found := g.streamPlace(member.ID); !found {
			g.streams = slices.Insert(g.streams, i, g.newStream(member.ID))
		}
	}
}

func (g *Group) newStream(id NodeID) *stream {
	source := entrySource{g}
	s := &stream{id: id, Stream: peer.New(peer.Config{
		Recent: g.cache.Entries,
		Load:   source.loadStored,
		Send:   func(m *wire.AppendEntries) bool { return g.node.send(id, g.cfg.ID, m) },
		Lost: func() {
			if g.inbox.unreachable(id) {
				g.awake(false)
			}
		},
		Failed: func(err error) {
			g.loadFailed(id, err)
			if g.inbox.unreachable(id) {
				g.awake(false) // The stream begins anew, once per heartbeat.
			}
		},
		BatchBytes: g.cfg.BatchBytesMax, WindowBytes: g.cfg.InflightBytesMax, WindowMessages: g.cfg.InflightMessagesMax,
	})}
	g.runStage(fmt.Sprintf("stream of group %d to %d", g.cfg.ID, id), s.Step, s.Wakes(), s.Run)
	return s
}

// loadFailed says that entries could not be read for a peer: loudly, unless they were
// compacted meanwhile, and a snapshot follows.
func (g *Group) loadFailed(id NodeID, err error) {
	level, load := slog.LevelError, (*peer.LoadError)(nil)
	if errors.As(err, &load) && load.First < g.Status().FirstIndex {
		level = slog.LevelDebug
	}
	g.logger.Log(context.Background(), level, "cannot read entries for a peer", "peer", uint64(id), "error", err)
}

func answer(waiting *[]control, v verdict) {
	if len(*waiting) > 0 {
		(*waiting)[0].answer <- v
		*waiting = (*waiting)[1:]
	}
}

// roleChanged settles what belonged to the old role or leader.
func (g *Group) roleChanged(e core.RoleChanged) {
	old := g.role
	g.role = e
	g.logger.Info("role changed", "role", e.Role.String(), "term", uint64(e.Term), "leader", uint64(e.Leader))
	if e.Role == core.Leader {
		g.sessions.begin(e.Term)
	}
	if old.Role == core.Leader && e.Role != core.Leader {
		g.unresolvedAt = g.node.now() + 2*core.Instant(g.cfg.ElectionTimeout)
	}
	if e.Term != old.Term || e.Leader != 0 && e.Leader != old.Leader {
		g.forwards.hurry(g.node.now() + core.Instant(g.cfg.ElectionTimeout))
	}
}

func (g *Group) notice(e core.Notice) {
	peer := uint64(e.Peer)
	switch e.Kind {
	case core.MessageDropped:
		g.logger.Warn("message dropped", "peer", peer, "reason", e.Detail)
	case core.QuorumLost:
		g.logger.Warn("no quorum has answered for an election time-out: stepping down")
	case core.WriteStalled:
		g.logger.Error("a write to the log store does not end: handing leadership over and stepping down")
	case core.PeerLostLog:
		g.logger.Error("a peer no longer has what it had acknowledged: its disk was lost or replaced", "peer", peer)
	case core.PeerNeedsSnapshot:
		g.logger.Info("a peer needs entries that are no longer in the log: it is sent a snapshot", "peer", peer)
	case core.PinReleased:
		g.logger.Warn("the log that is kept for a member that lags has reached its limit: the member will need another snapshot", "peer", peer)
	case core.SnapshotRefused:
		g.logger.Error("a snapshot was received and is not installed", "reason", e.Detail)
	case core.PeerLostDisk:
		g.logger.Error("a voter has another data folder than the one that it became a voter with: its disk was lost or replaced; "+
			"it does not vote until it is removed and added again", "peer", peer)
	case core.Removed:
		g.logger.Warn("a member says that this node was removed from the group", "peer", peer)
	}
}
