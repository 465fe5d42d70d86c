// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// faulty is a run of a script on a disk of which something fails.
type faulty struct {
	t       testing.TB
	name    string
	options Options
	disk    *vfs.Mem
	decide  func(vfs.Op) vfs.Fault
	isHit   bool // something failed
}

func newFaulty(t testing.TB, name string, options Options, decide func(vfs.Op) vfs.Fault) *faulty {
	f := &faulty{t: t, name: name, options: options, disk: vfs.NewMem(), decide: decide}
	f.options.FS = vfs.Faulty(f.disk, func(op vfs.Op) vfs.Fault {
		fault := f.decide(op)
		f.isHit = f.isHit || fault.Err != nil
		return fault
	})
	return f
}

// run goes through the script until something fails for good, and returns what the log
// may be then.
func (f *faulty) run(sc *script) (legal []state) {
	legal = sc.begin()
	l, err := Open(f.options)
	for _, step := range sc.steps {
		if err != nil {
			f.requireOpenError(err)
			return legal
		}
		if step.updates == nil {
			legal = step.legal
			if err := l.Close(); err != nil {
				f.requireDiskError(err)
			}
			l, err = Open(f.options)
			continue
		}
		if err := l.Save(step.updates); err != nil {
			f.requireFinal(l, err)
			return step.legal
		}
		legal = step.legal[len(step.legal)-1:]
		f.read(l, step.updates)
	}
	if err != nil {
		f.requireOpenError(err)
	} else if err := l.Close(); err != nil {
		f.requireDiskError(err)
	}
	return legal
}

// read reads what was saved last. If that fails it may be tried again.
func (f *faulty) read(l *Log, updates []wire.Update) {
	u := updates[len(updates)-1]
	state, err := l.Load(u.Group)
	must(f.t, err)
	if state.Last == state.Compacted.Index {
		return
	}
	for range 2 {
		found, err := l.Entries(u.Group, state.Last, state.Last, 1)
		if err == nil && (len(found) != 1 || found[0].Index != state.Last) {
			f.t.Fatalf("%s: read %v", f.name, found)
		}
		if err == nil {
			return
		}
		f.requireDiskError(err)
	}
}

func (f *faulty) requireDiskError(err error) {
	f.t.Helper()
	if !f.isHit || !errors.Is(err, errDisk) && !errors.Is(err, errNoSpace) {
		f.t.Fatalf("%s: %v", f.name, err)
	}
}

// requireOpenError checks the error of an Open: the disk's is not taken for corruption.
func (f *faulty) requireOpenError(err error) {
	f.t.Helper()
	f.requireDiskError(err)
	if errors.Is(err, ErrCorrupt) {
		f.t.Fatalf("%s: %v", f.name, err)
	}
}

// requireFinal checks that after a Save that failed nothing more is acknowledged or
// written, though the disk is well again.
func (f *faulty) requireFinal(l *Log, failure error) {
	f.t.Helper()
	f.requireDiskError(failure)
	ops := 0
	decide := f.decide
	f.decide = func(op vfs.Op) vfs.Fault {
		if op.Kind&vfs.OpChange != 0 {
			ops++
		}
		return vfs.Fault{}
	}
	requireFailed(f.t.(*testing.T), l, failure)
	f.decide = decide
	if err := l.Close(); err != nil {
		f.requireDiskError(err)
	}
	if ops > 0 {
		f.t.Fatalf("%s: %d operations changed something after %v", f.name, ops, failure)
	}
}

// check opens the log as the next process finds it, and after a power loss, and, if the
// model is known, goes on.
func (f *faulty) check(legal []state) {
	options := f.options
	lost, kept := f.disk.CrashClone(vfs.LoseAll), f.disk.CrashClone(vfs.KeepAll)
	for way, disk := range map[string]*vfs.Mem{"next": f.disk, "lost": lost, "kept": kept} {
		s := sweeper{t: f.t, name: f.name + ", " + way, options: options}
		l, found := s.open(disk, legal)
		if found.model == nil {
			must(f.t, l.Close())
			continue
		}
		m := stateOf(found.model).model
		u := goOn(m, 2, 0)
		m.apply(u)
		must(f.t, l.Save([]wire.Update{u}))
		must(f.t, l.lock.Close()) // The process was killed.
		l, _ = s.open(disk.CrashClone(vfs.LoseAll), []state{stateOf(m)})
		must(f.t, l.Close())
	}
}

// faultsOf returns how an operation can fail.
func faultsOf(op vfs.Op) []vfs.Fault {
	faults := []vfs.Fault{{Err: errDisk}}
	switch op.Kind {
	case vfs.OpSync:
		faults = append(faults, vfs.Fault{Err: errDisk, LoseUnsynced: true})
	case vfs.OpWrite:
		for _, short := range []int{1, 512, op.Bytes / 2, op.Bytes - 1} {
			faults = append(faults, vfs.Fault{Err: errNoSpace, ShortBytes: short})
		}
	}
	return faults
}

// Every operation of every script fails, in every way, once or from then on for ever: it
// is reported, nothing is acknowledged afterwards, and what was is there when the log is
// opened again.
func TestFaultAtEveryOperation(t *testing.T) {
	var runs atomic.Int64
	t.Run("scripts", func(t *testing.T) {
		for _, sc := range scripts() {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				runs.Add(faultScript(t, sc))
			})
		}
	})
	t.Logf("%d runs", runs.Load())
}

func faultScript(t *testing.T, sc *script) (runs int64) {
	var ops []vfs.Op
	plain := newFaulty(t, sc.name, sc.options, func(op vfs.Op) vfs.Fault {
		ops = append(ops, op)
		return vfs.Fault{}
	})
	plain.check(plain.run(sc))
	for n, op := range ops {
		if n%thinning != 0 {
			continue
		}
		for i, fault := range faultsOf(op) {
			ways := map[string]func(vfs.Op) vfs.Fault{"once": vfs.Once(n+1, vfs.OpAny, fault)}
			if i == 0 {
				ways["for ever"] = vfs.From(n+1, vfs.OpAny, fault)
			} else if fault.ShortBytes == 1 {
				ways["for ever"] = fullFrom(n+1, fault)
			}
			for way, decide := range ways {
				name := fmt.Sprintf("%s: operation %d %s: %+v: %+v", sc.name, n+1, way, op, fault)
				f := newFaulty(t, name, sc.options, decide)
				legal := f.run(sc)
				if !f.isHit {
					t.Fatalf("%s: did not happen", name)
				}
				f.check(legal)
				runs++
			}
		}
	}
	return runs
}

// fullFrom returns a decision by which the disk is full from the nth operation on.
func fullFrom(n int, fault vfs.Fault) func(vfs.Op) vfs.Fault {
	return func(op vfs.Op) vfs.Fault {
		if n--; n <= 0 && op.Kind&(vfs.OpWrite|vfs.OpCreate) != 0 {
			return fault
		}
		return vfs.Fault{}
	}
}
