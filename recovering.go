// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/balsa-raft/raft/internal/applier"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// ErrStateMachineBehind is returned by StartGroup if a DurableStateMachine lacks what it
// had made durable: its folder was replaced by an older one, or its disk has lost writes. To
// go on would skip what it lacks. The node has to be given back the folder, or to be
// emptied and to join anew.
var ErrStateMachineBehind = errors.New("raft: the state machine is behind its snapshot")

// ErrStateMachineAhead is returned by StartGroup if a DurableStateMachine has applied what
// the log does not have: one of their folders is from another time or another node.
var ErrStateMachineAhead = errors.New("raft: the state machine is ahead of the log")

// recoverState finds out how far the state machine has come, restoring the newest snapshot
// that is whole if the state machine does not keep its state itself. Where no snapshot
// covers what the log has no more, the state is lost, and the member will ask the leader for it.
func (g *Group) recoverState(state *wire.LogState) (core.Recovery, applier.Point, error) {
	if g.snapshots == nil {
		if state.Compacted.Index > 0 {
			return core.Recovery{}, applier.Point{}, fmt.Errorf("raft: start group %d: the log begins behind entry %v: %w",
				g.cfg.ID, state.Compacted, ErrNoSnapshots)
		}
		return core.Recovery{}, applier.Point{}, nil
	}
	machine, ok := g.cfg.StateMachine.(Snapshotter)
	if !ok {
		return core.Recovery{}, applier.Point{}, fmt.Errorf("raft: start group %d: the node has a snapshot store, but the state machine is no Snapshotter", g.cfg.ID)
	}
	r := recovering{g: g, state: state, machine: machine}
	var err error
	if durable, keeps := machine.(DurableStateMachine); keeps {
		err = r.recoverDurable(durable)
	} else {
		err = r.restoreNewest(0)
	}
	if err != nil {
		return core.Recovery{}, applier.Point{}, fmt.Errorf("raft: start group %d: %w", g.cfg.ID, err)
	}
	if r.found.StateLost {
		g.logger.Error("no usable snapshot covers what the log has no more: asking the leader for one", "log_behind", state.Compacted.String())
		r.point = applier.Point{Applied: state.Compacted, Lost: true}
	}
	return r.found, r.point, nil
}

// recovering is the work of recoverState.
type recovering struct {
	g       *Group
	state   *wire.LogState
	machine Snapshotter
	found   core.Recovery
	point   applier.Point
}

// restoreNewest restores the newest snapshot that is whole, if it covers more commands than
// those up to has.
func (r *recovering) restoreNewest(has Index) error {
	failed := false
	for _, meta := range r.g.snapshots.Published() {
		if meta.Last.Index < r.state.Compacted.Index || meta.External || meta.Command.Index < has {
			continue
		}
		if meta.Version > r.g.cfg.StateVersion {
			return fmt.Errorf("snapshot %v is of version %d of the state machine's format, which knows only those up to %d",
				meta.ID, meta.Version, r.g.cfg.StateVersion)
		}
		tried, err := r.restore(&meta)
		if err == nil {
			r.found = core.Recovery{Snapshot: meta, Applied: meta.Last.Index}
			r.point = applier.PointOf(&meta)
			return nil
		}
		if r.isListed(meta.ID) { // The store does not say that it is damaged: the next start may read it.
			return fmt.Errorf("snapshot %v cannot be read: %w", meta.ID, err)
		}
		r.g.logger.Error("a snapshot is not usable", "id", meta.ID.String(), "last", meta.Last.String(), "error", err)
		r.g.snapshots.Damaged(meta.ID)
		failed = failed || tried
	}
	r.found = core.Recovery{StateLost: failed || r.state.Compacted.Index > 0}
	return nil
}

// isListed reports whether the store has a snapshot, and takes it for good.
func (r *recovering) isListed(id SnapshotID) bool {
	list, err := r.g.node.cfg.Snapshots.List(r.g.cfg.ID)
	return err != nil || slices.ContainsFunc(list, func(m SnapshotMeta) bool { return m.ID == id })
}

// restore reads a snapshot twice: what is not whole must not reach the state machine, because
// there might be nothing to put in its place. tried says that it was reached.
func (r *recovering) restore(meta *SnapshotMeta) (tried bool, err error) {
	check := r.g.snapshots.Reader(*meta)
	_, err = io.Copy(io.Discard, check)
	if err = errors.Join(err, check.Close()); err != nil {
		return false, err
	}
	data := r.g.snapshots.Reader(*meta)
	err = r.machine.Restore(data)
	if err = errors.Join(err, data.Close()); err != nil {
		return true, err
	}
	if durable, keeps := r.machine.(DurableStateMachine); keeps {
		err = durable.Sync() // The snapshot is not needed any more then.
	}
	return true, err
}

// recoverDurable goes on from where the state machine says it is.
func (r *recovering) recoverDurable(machine DurableStateMachine) error {
	applied, err := machine.LastApplied()
	if err != nil {
		return fmt.Errorf("ask the state machine how far it has come: %w", err)
	}
	published := r.g.snapshots.Published()
	switch {
	case len(published) == 0 && r.state.Compacted.Index == 0:
		return r.goOn(applied, &SnapshotMeta{})
	case len(published) == 0 || published[0].Last.Index < r.state.Compacted.Index:
		r.found.StateLost = true // Not the state itself, but who the members are.
		return nil
	}
	newest := published[0]
	switch {
	case applied.Index >= newest.Command.Index:
		return r.goOn(applied, &newest)
	case !newest.External: // It was received, and not restored yet.
		return r.restoreNewest(applied.Index)
	}
	return fmt.Errorf("%w: its last command is %v, but %v was durable", ErrStateMachineBehind, applied, newest.Command)
}

// goOn has the log applied from the state machine's last command on, or from the snapshot's
// last entry, whichever is later.
func (r *recovering) goOn(applied LogID, newest *SnapshotMeta) error {
	r.found = core.Recovery{Snapshot: *newest, Applied: newest.Last.Index}
	r.point = applier.PointOf(newest)
	if applied.Index <= newest.Last.Index {
		if applied.Index == newest.Command.Index && applied != newest.Command {
			return fmt.Errorf("%w: its last command is %v, that of the snapshot %v", ErrStateMachineAhead, applied, newest.Command)
		}
		return nil
	}
	term := Term(0)
	for _, start := range r.state.Terms {
		if start.First <= applied.Index && applied.Index <= r.state.Last {
			term = start.Term
		}
	}
	if term != applied.Term {
		return fmt.Errorf("%w: its last command is %v, the log has entries behind %v up to %d", ErrStateMachineAhead, applied, r.state.Compacted, r.state.Last)
	}
	r.found.Applied = applied.Index
	r.point.Applied, r.point.Command = applied, applied
	for _, entry := range r.state.Memberships {
		if entry.Index <= r.point.MembershipAt || entry.Index > applied.Index {
			continue
		}
		membership, err := wire.DecodeMembership(entry.Data)
		if err != nil {
			return fmt.Errorf("membership at entry %d: %w", entry.Index, err)
		}
		r.point.Membership, r.point.MembershipAt = membership, entry.Index
	}
	return nil
}
