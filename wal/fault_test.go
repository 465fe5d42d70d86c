// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

var (
	errDisk    = errors.New("input/output error")
	errNoSpace = errors.New("no space left on device")
)

// faultRun makes a history with a fault, until something fails, and returns what
// the log may have afterwards.
func faultRun(t *testing.T, h history, options Options) (legal []string, failure error) {
	t.Helper()
	l, err := Open(options)
	if err != nil {
		return h.states[:1], err
	}
	legal = h.states
	for i, updates := range h.saves {
		legal = h.states[i+1 : i+2]
		if failure = l.Save(updates); failure != nil {
			legal = h.states[i : i+2]
			requireFailed(t, l, failure)
			break
		}
	}
	if err := l.Close(); failure == nil {
		failure = err
	}
	return legal, failure
}

// requireFailed checks that nothing more is saved after a failure.
func requireFailed(t *testing.T, l *Log, failure error) {
	t.Helper()
	if !errors.Is(failure, ErrFailed) {
		t.Errorf("the failure is %v", failure)
	}
	before, err := contents(l)
	must(t, err)
	if err := l.Save([]wire.Update{{Group: 1, HardState: wire.HardState{Term: 1000}}}); !errors.Is(err, failure) {
		t.Errorf("after %v another Save returned %v", failure, err)
	}
	after, err := contents(l)
	must(t, err)
	if before != after {
		t.Error("a Save that failed can be read")
	}
}

// Whatever operation fails, the log says so, never goes on, and everything that was
// acknowledged is there when it is opened again, and if the power fails then.
func TestFaultAtEveryChange(t *testing.T) {
	h := randomHistory(11, 25, 3)
	for name, fault := range map[string]vfs.Fault{
		"EIO":              {Err: errDisk},
		"EIO, writes gone": {Err: errDisk, LoseUnsynced: true},
		"ENOSPC, short":    {Err: errNoSpace, ShortBytes: 600},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				disk := vfs.NewMem()
				isReached := false
				once := vfs.Once(n, vfs.OpChange, fault)
				options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
					f := once(op)
					isReached = isReached || f.Err != nil
					return f
				}))
				legal, failure := faultRun(t, h, options)
				if !isReached {
					must(t, failure)
					break
				}
				im := image{disk: disk, legal: legal, op: vfs.Op{Number: n}}
				got := im.check(t, testOptions(nil))
				after := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{got}, op: vfs.Op{Number: n}}
				after.check(t, testOptions(nil))
			}
		})
	}
}

// The process that gets the error is the one that sees what the failed sync lost: the
// next must not believe the cache.
func TestFailedSyncIsNotBelieved(t *testing.T) {
	disk := vfs.NewMem()
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) }))
	l := mustOpen(t, options)
	want := make(model)
	kept := wire.Update{Group: 1, Entries: entries(1, 1, "kept")}
	want.apply(kept)
	must(t, l.Save([]wire.Update{kept}))
	decide = vfs.Once(1, vfs.OpSync, vfs.Fault{Err: errDisk, LoseUnsynced: true})
	err := l.Save([]wire.Update{{Group: 1, Entries: entries(1, 2, "lost")}})
	if !errors.Is(err, errDisk) || !errors.Is(err, ErrFailed) {
		t.Fatalf("got %v", err)
	}
	must(t, l.Close())
	l = mustOpen(t, options)
	requireContents(t, l, want)
	must(t, l.Close())
}

// A full disk does no harm as long as no new segment is needed; then a Save fails
// before it acknowledges anything. With space again, all is there.
func TestFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	isFull := false
	options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if isFull && (op.Kind == vfs.OpCreate || op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, tempSuffix)) {
			return vfs.Fault{Err: errNoSpace}
		}
		return vfs.Fault{}
	}))
	l := mustOpen(t, options)
	isFull = true
	want := make(model)
	saved := 0
	var failure error
	for failure == nil {
		u := wire.Update{Group: 1, Entries: entries(1, wire.Index(saved+1), strings.Repeat("x", 1500))}
		if failure = l.Save([]wire.Update{u}); failure == nil {
			want.apply(u)
			saved++
		}
	}
	if !errors.Is(failure, errNoSpace) || !errors.Is(failure, ErrFailed) || saved < 5 {
		t.Fatalf("%d saved, then %v", saved, failure)
	}
	requireContents(t, l, want)
	must(t, l.Close())
	l = mustOpen(t, options) // There is no spare, which is no reason to fail.
	requireContents(t, l, want)
	must(t, l.Close())
	isFull = false
	l = mustOpen(t, options)
	requireContents(t, l, want)
	u := wire.Update{Group: 1, Entries: entries(1, wire.Index(saved+1), strings.Repeat("x", 1500))}
	want.apply(u)
	must(t, l.Save([]wire.Update{u}))
	requireContents(t, l, want)
	must(t, l.Close())
}

// A folder that cannot be written to is said to be so.
func TestOpenFailsClearly(t *testing.T) {
	for name, test := range map[string]struct {
		kind vfs.OpKind
		want string
	}{
		"folder":  {vfs.OpMkdir, "make folder " + testDir},
		"lock":    {vfs.OpLock, "lock folder " + testDir},
		"listing": {vfs.OpReadDir, "read folder " + testDir},
		"file":    {vfs.OpCreate, "input/output error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(testOptions(vfs.Faulty(vfs.NewMem(), vfs.From(1, test.kind, vfs.Fault{Err: errDisk}))))
			if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Nothing is leaked by an Open that fails, whatever operation it fails at: the
// next one finds the folder unlocked.
func TestOpenFailsAtEveryOperation(t *testing.T) {
	h := randomHistory(12, 20, 3)
	base := vfs.NewMem()
	_, err := faultRun(t, h, testOptions(base))
	must(t, err)
	want := h.states[len(h.states)-1:]
	for n := 1; ; n++ {
		disk := base.CrashClone(vfs.KeepAll)
		decide := vfs.Once(n, vfs.OpAny, vfs.Fault{Err: errDisk})
		fsys := vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })
		l, err := Open(testOptions(fsys))
		if err == nil { // It failed at nothing that matters, or not at all.
			decide = func(vfs.Op) vfs.Fault { return vfs.Fault{} }
			isDone := fsys.Ops() < n
			requireString(t, l, want[0])
			must(t, l.Close())
			if isDone {
				break
			}
			continue
		}
		if !errors.Is(err, errDisk) || errors.Is(err, ErrCorrupt) {
			t.Fatalf("operation %d: %v", n, err)
		}
		im := image{disk: disk, legal: want, op: vfs.Op{Number: n}}
		im.check(t, testOptions(nil))
	}
}

func requireString(t *testing.T, l *Log, want string) {
	t.Helper()
	got, err := contents(l)
	must(t, err)
	if got != want {
		t.Fatalf("the log has\n%s\nwant\n%s", got, want)
	}
}

// A bit that flips on its way from the disk is found by every read.
func TestFlippedBitInEntries(t *testing.T) {
	disk := vfs.NewMem()
	flip := 0
	options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if op.Kind == vfs.OpRead {
			return vfs.Fault{FlipBit: flip}
		}
		return vfs.Fault{}
	}))
	l := mustOpen(t, options)
	saved := entries(1, 1, "abc", "", "defghi")
	must(t, l.Save([]wire.Update{{Group: 1, Entries: saved}}))
	bits := 8 * int(l.index.groups[1].runs[0].bytes)
	for flip = 1; flip <= bits; flip++ {
		found, err := l.Entries(1, 1, 3, 1000)
		var corruption *CorruptError
		if !errors.As(err, &corruption) || found != nil {
			t.Fatalf("bit %d: %v, %v", flip, found, err)
		}
		if !strings.HasSuffix(corruption.File, "0000000001.segment") || corruption.Offset == 0 || corruption.Hint == "" {
			t.Fatalf("bit %d: %+v", flip, corruption)
		}
	}
	flip = 0
	found, err := l.Entries(1, 1, 3, 1000)
	must(t, err)
	if !slices.EqualFunc(found, saved, isSameEntry) {
		t.Errorf("found %v", found)
	}
	must(t, l.Close())
}

// A bit that flips on its way from the disk while the log is opened costs nothing:
// the log is refused, or it is whole.
func TestFlippedBitWhileOpening(t *testing.T) {
	d := newDamaged(t, false)
	outcomes := make(map[string]int)
	const readsMax = 40 // More than it takes to open the log.
	for n := 1; n < readsMax; n++ {
		for bit := 1; bit < 8*segmentBytesMin; bit += 997 * thinning {
			disk := d.disk.CrashClone(vfs.LoseAll)
			decide := vfs.Once(n, vfs.OpRead, vfs.Fault{FlipBit: bit})
			l, err := Open(testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
			if err == nil {
				decide = func(vfs.Op) vfs.Fault { return vfs.Fault{} }
				requireString(t, l, d.whole)
				must(t, l.Close())
				outcomes["whole"]++
				continue
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			outcomes["refused"]++
			if got := d.reopen(t, disk, false, "read %d, bit %d", n, bit); got != "whole" {
				t.Fatalf("read %d, bit %d: %s", n, bit, got)
			}
		}
	}
	if outcomes["whole"] == 0 || outcomes["refused"] == 0 {
		t.Errorf("outcomes %v", outcomes)
	}
}

// While a sync hangs, what was saved before can be read.
func TestReadsDuringAStalledSync(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	options := testOptions(vfs.Faulty(vfs.NewMem(), func(op vfs.Op) vfs.Fault { return decide(op) }))
	l := mustOpen(t, options)
	want := make(model)
	first := wire.Update{Group: 1, Entries: entries(1, 1, "a")}
	want.apply(first)
	must(t, l.Save([]wire.Update{first}))
	once := vfs.Once(1, vfs.OpSync, vfs.Fault{Stall: func() {
		close(begun)
		<-release
	}})
	decide = once
	done := make(chan error)
	second := wire.Update{Group: 1, Entries: entries(2, 1, "b", "c")}
	go func() { done <- l.Save([]wire.Update{second}) }()
	<-begun
	requireContents(t, l, want)
	close(release)
	must(t, <-done)
	want.apply(second)
	requireContents(t, l, want)
	must(t, l.Close())
}
