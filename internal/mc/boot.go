// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// restart starts the member anew, with what its disk holds.
func (s *step) restart(before *local, disk image, incarnation wire.Incarnation) {
	s.isRestart = true
	s.l = s.m.boot(before.id, disk, incarnation)
	s.handle() // An installation that the crash has interrupted goes on.
}

// boot starts a member on its disk. Its state machine keeps nothing: it is given the newest
// snapshot, and where that does not reach the beginning of the log, its state is lost.
func (m *model) boot(id wire.NodeID, disk image, incarnation wire.Incarnation) *local {
	cfg := core.Config{
		ID: id, ElectionTimeout: electionTimeout, HeartbeatInterval: heartbeatInterval, WriteStallTimeout: stallTimeout, Seed: uint64(id),
		Incarnation: incarnation,
	}
	snapshot, found := disk.newest()
	recovery := core.Recovery{Snapshot: snapshot, Applied: snapshot.Last.Index, StateLost: !found && disk.base.Index > 0}
	c, err := core.Recover(cfg, m.logState(&disk), recovery, 0)
	invariant.Check(err == nil, "mc: a disk can be read", "error", err)
	return &local{
		id: id, incarnation: incarnation, core: c, disk: disk, records: disk.records, applied: c.Brief().Commit, machine: snapshot.Last.Index,
		streams: make([]stream, m.bounds.Nodes), transfers: transfers{asked: make([]core.OfferSnapshot, m.bounds.Nodes)},
	}
}

// logState describes a log as a log store does.
func (m *model) logState(disk *image) wire.LogState {
	state := wire.LogState{HardState: disk.hard, Compacted: disk.base, Last: wire.Index(len(disk.log))}
	for i := int(disk.base.Index); i < len(disk.log); i++ {
		s, index := disk.log[i], wire.Index(i+1)
		if len(state.Terms) == 0 || state.Terms[len(state.Terms)-1].Term != s.term {
			state.Terms = append(state.Terms, wire.TermStart{Term: s.term, First: index})
		}
		if s.kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, m.entry(disk.log, index))
		}
	}
	return state
}
