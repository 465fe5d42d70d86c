// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Snapshotter is a state machine that can be captured; see raft.Snapshotter.
type Snapshotter interface {
	// Snapshot captures the state as it is.
	Snapshot() (io.ReadCloser, error)
	// Restore replaces the state with a captured one.
	Restore(r io.Reader) error
}

// Durable is a state machine that keeps its state; see raft.DurableStateMachine.
type Durable interface {
	// Sync makes the state durable.
	Sync() error
}

// Point is how far a state machine has come.
type Point struct {
	// Applied is the last entry applied, Command the last command among them.
	Applied, Command wire.LogID
	// Membership is the latest one among the entries applied, or before them, and
	// MembershipAt the index of its entry.
	Membership   wire.Membership
	MembershipAt wire.Index
	// Lost says that the state is not what it should be at this point: nothing is applied
	// until another state has been restored.
	Lost bool
}

// PointOf returns the point at which a snapshot was taken.
func PointOf(s *wire.SnapshotMeta) Point {
	return Point{Applied: s.Last, Command: s.Command, Membership: s.Membership, MembershipAt: s.MembershipAt}
}

// errNothingApplied says that there is no state to capture.
var errNothingApplied = errors.New("nothing has been applied yet, or the state was lost")

// restore is a snapshot that is to be restored.
type restore struct {
	meta wire.SnapshotMeta
	open func() io.ReadCloser
}

// Captured is told of a capture: data is to be closed, and is nil if meta.External. It is
// called by the goroutine that steps, and must not block.
type Captured func(meta wire.SnapshotMeta, data io.ReadCloser, err error)

// capture is one that was asked for.
type capture struct {
	withData bool
	to       Captured
}

// capturesMax bounds those that wait.
const capturesMax = 16

// errTooManyCaptures is told to who asks for more.
var errTooManyCaptures = errors.New("too many captures are waited for")

// Capture asks for a capture of the state as it is between two batches. Unless withData, a
// state machine that keeps its state itself is asked to make it durable instead. It may be
// called from any goroutine. Once the applier is closed, nobody answers.
func (a *Applier) Capture(withData bool, to Captured) {
	a.mu.Lock()
	hasRoom := len(a.captures) < capturesMax
	if hasRoom {
		a.captures = append(a.captures, capture{withData, to})
	}
	a.mu.Unlock()
	if !hasRoom {
		to(wire.SnapshotMeta{}, nil, errTooManyCaptures)
		return
	}
	a.wakeUp()
}

// Restore has the state replaced with that of a snapshot, whose data open opens, before
// anything else is applied. What comes next is the entry behind it. It may be called from any goroutine.
func (a *Applier) Restore(meta wire.SnapshotMeta, open func() io.ReadCloser) {
	a.mu.Lock()
	a.restore = &restore{meta: meta, open: open}
	a.through = max(a.through, meta.Last.Index)
	a.mu.Unlock()
	a.wakeUp()
}

// isSuperseded reports whether a snapshot is to be restored, which may have taken the place of
// entries that were to be applied.
func (a *Applier) isSuperseded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.restore != nil
}

// stepSnapshots restores what was asked for, or else makes the captures.
func (a *Applier) stepSnapshots() {
	a.mu.Lock()
	next := a.restore
	a.restore = nil
	var asked []capture
	if next == nil {
		asked, a.captures = a.captures, nil
	}
	a.mu.Unlock()
	if next != nil {
		a.restoreFrom(next)
		return
	}
	for _, c := range asked {
		c.to(a.capture(c.withData))
	}
}

func (a *Applier) restoreFrom(r *restore) {
	if r.meta.Last.Index <= a.point.Applied.Index && !a.point.Lost {
		return
	}
	data := r.open()
	err := a.guard("restoring a snapshot", func() error { return a.machine.(Snapshotter).Restore(data) })
	err = errors.Join(err, data.Close())
	if err != nil {
		a.point.Lost = true
		a.group.RestoreFailed(r.meta, err)
		return
	}
	if durable, keeps := a.machine.(Durable); keeps {
		// Before anybody relies on it: the snapshot is not needed any more then.
		if err := a.guard("syncing", durable.Sync); err != nil {
			a.fail(fmt.Errorf("sync the state machine, restored to entry %d: %w", r.meta.Last.Index, err))
			return
		}
	}
	a.point = PointOf(&r.meta)
	a.group.Restored(r.meta)
	a.group.EntriesApplied(a.point.Applied.Index)
}

// capture makes one capture, or says why there is none.
func (a *Applier) capture(withData bool) (wire.SnapshotMeta, io.ReadCloser, error) {
	meta := wire.SnapshotMeta{
		Last: a.point.Applied, Membership: a.point.Membership, MembershipAt: a.point.MembershipAt,
		Command: a.point.Command, Version: a.version,
	}
	machine, isSnapshotter := a.machine.(Snapshotter)
	invariant.Check(isSnapshotter, "applier: only a snapshotter is captured")
	if a.point.Lost || a.failed || meta.Last.Index == 0 || meta.Membership.IsEmpty() {
		return meta, nil, errNothingApplied
	}
	if durable, keeps := a.machine.(Durable); keeps && !withData {
		meta.External = true
		err := a.guard("syncing", durable.Sync)
		if err != nil {
			a.fail(fmt.Errorf("sync the state machine at entry %d: %w", meta.Last.Index, err))
		}
		return meta, nil, err
	}
	var data io.ReadCloser
	err := a.guard("capturing", func() (err error) {
		data, err = machine.Snapshot()
		return err
	})
	if err == nil && data == nil {
		err = errors.New("the state machine returned neither a capture nor an error")
	}
	return meta, data, err
}

// guard turns a panic of the state machine into an error.
func (a *Applier) guard(what string, call func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("state machine panicked while %s: %v", what, cause)
		}
	}()
	return call()
}

// follow keeps the point at which the state machine will be after the batch.
func (a *Applier) follow() {
	a.point.Applied = a.batch[len(a.batch)-1].ID()
	if len(a.command) > 0 {
		a.point.Command = a.command[len(a.command)-1].ID()
	}
	for i := range a.batch {
		if a.batch[i].Kind != wire.EntryMembership {
			continue
		}
		membership, err := wire.DecodeMembership(a.batch[i].Data)
		invariant.Check(err == nil, "applier: memberships in the log are well-formed", "index", a.batch[i].Index, "error", err)
		a.point.Membership, a.point.MembershipAt = membership, a.batch[i].Index
	}
}
