// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"fmt"
	"sync"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// StateMachine is what entries are applied to; see raft.StateMachine.
type StateMachine interface {
	Apply(batch []wire.Entry) (values [][]byte)
}

// Entries is where committed entries come from. Load returns those from lo up to at
// most hi, at least one, about bytesMax at most; it may append to dst.
type Entries interface {
	Load(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error)
}

// Group is who is told. All methods are called by the goroutine that runs the
// applier, and must not block.
type Group interface {
	// Applied hands over commands with their values, in index order. The slices
	// are valid until it returns; values may be nil.
	Applied(commands []wire.Entry, values [][]byte)
	// EntriesApplied says that all entries through an index are applied.
	EntriesApplied(through wire.Index)
	// ApplyFailed says that applying ended for good.
	ApplyFailed(err error)
	// Restored says that the state is that of a snapshot. EntriesApplied follows.
	Restored(meta wire.SnapshotMeta)
	// RestoreFailed says that the state is nobody's: nothing is applied until another
	// snapshot has been restored.
	RestoreFailed(meta wire.SnapshotMeta, err error)
}

// Applier applies one group's entries. Through may be called from any goroutine,
// Step from one at a time.
type Applier struct {
	machine  StateMachine
	entries  Entries
	group    Group
	bytesMax int
	version  uint32
	wake     chan struct{}

	mu       sync.Mutex
	through  wire.Index // how far entries are committed
	closed   bool
	captures []capture
	restore  *restore

	// The rest belongs to the goroutine that steps.
	point   Point
	failed  bool
	batch   []wire.Entry
	command []wire.Entry
}

// New returns an applier for a state machine that has come to a point. One batch takes
// about bytesMax. Captures are marked with the version.
func New(machine StateMachine, entries Entries, group Group, start Point, bytesMax int, version uint32) *Applier {
	return &Applier{
		machine: machine, entries: entries, group: group, point: start, through: start.Applied.Index,
		bytesMax: bytesMax, version: version, wake: make(chan struct{}, 1),
	}
}

// Through says that the entries up to an index are committed. It does not wait.
func (a *Applier) Through(through wire.Index) {
	a.mu.Lock()
	a.through = max(a.through, through)
	a.mu.Unlock()
	a.wakeUp()
}

// Run steps until Close. It is the applier's goroutine.
func (a *Applier) Run() {
	for {
		for !a.isClosed() && a.Step() {
		}
		if a.isClosed() {
			return
		}
		<-a.wake
	}
}

// Close makes Run return after the batch it is at.
func (a *Applier) Close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.wakeUp()
}

func (a *Applier) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// Wakes returns the channel that wakes Run, for whoever steps in its place.
func (a *Applier) Wakes() <-chan struct{} { return a.wake }

func (a *Applier) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Step applies one batch, or does what else was asked for, and reports whether there is
// more to do.
func (a *Applier) Step() (more bool) {
	a.mu.Lock()
	through, isAsked := a.through, a.restore != nil || len(a.captures) > 0
	a.mu.Unlock()
	if isAsked {
		a.stepSnapshots()
		return true
	}
	if a.failed || a.point.Lost || a.point.Applied.Index >= through {
		return false
	}
	if err := a.load(through); err != nil {
		if a.isSuperseded() {
			return true
		}
		return a.fail(err)
	}
	values, err := a.apply()
	if err != nil {
		return a.fail(err)
	}
	a.report(values)
	return a.point.Applied.Index < through
}

func (a *Applier) fail(err error) bool {
	a.failed = true
	a.group.ApplyFailed(err)
	return false
}

// load gets the next batch and checks that it is just that.
func (a *Applier) load(through wire.Index) error {
	applied := a.point.Applied.Index
	batch, err := a.entries.Load(a.batch[:0], applied+1, through, a.bytesMax)
	if err != nil {
		return fmt.Errorf("load committed entries from %d: %w", applied+1, err)
	}
	a.batch = batch
	invariant.Check(len(batch) > 0, "applier: there is something to apply", "applied", applied, "through", through)
	for i := range batch {
		invariant.Check(batch[i].Index == applied+1+wire.Index(i), "applier: entries are applied in order, each once")
	}
	invariant.Check(batch[len(batch)-1].Index <= through, "applier: only committed entries are applied")
	return nil
}

// apply gives the commands of the batch to the state machine. A panic there is an
// error here: it stops the group, and leaves the process to its owner.
func (a *Applier) apply() (values [][]byte, err error) {
	a.command = a.command[:0]
	for i := range a.batch {
		if a.batch[i].Kind == wire.EntryCommand {
			a.command = append(a.command, a.batch[i])
		}
	}
	if len(a.command) == 0 {
		return nil, nil
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("state machine panicked in entries %d to %d: %v", a.batch[0].Index, a.batch[len(a.batch)-1].Index, cause)
		}
	}()
	values = a.machine.Apply(a.command)
	if values != nil && len(values) != len(a.command) {
		return nil, fmt.Errorf("state machine returned %d values for %d commands", len(values), len(a.command))
	}
	return values, nil
}

// report completes the waiters first, then lets the group know how far it is.
func (a *Applier) report(values [][]byte) {
	a.follow()
	if len(a.command) > 0 {
		a.group.Applied(a.command, values)
	}
	a.group.EntriesApplied(a.point.Applied.Index)
	clear(a.batch)
	clear(a.command)
}
