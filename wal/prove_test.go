// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// rotAtTail damages the last batch that changes something and opens the log.
func rotAtTail(t testing.TB, disk *vfs.Mem, path string, at uint32) error {
	t.Helper()
	after := disk.CrashClone(vfs.LoseAll)
	flipBit(t, after, path, int(at)+batchHeaderBytes+recordHeaderBytes)
	l, err := Open(testOptions(after))
	if err == nil {
		err = l.Close()
	}
	return err
}

// tailOf returns where the log ends, which its own goroutine may change.
func tailOf(l *Log) tail {
	l.saveMu.Lock()
	defer l.saveMu.Unlock()
	return l.tail
}

// When nothing is saved for a while, the log proves by itself that the last batch was
// synced: before, its rot is taken for an interrupted write, and afterwards for rot.
func TestIdleLogProvesItsLastBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		options := testOptions(disk)
		options.Synchronous = false
		l := mustOpen(t, options)
		for range 3 {
			at, path := tailOf(l).end, l.index.active().path
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a")}}))
			if err := rotAtTail(t, disk, path, at); err != nil {
				t.Errorf("at once: %v", err)
			}
			time.Sleep(2*proveAfter + 1)
			if err := rotAtTail(t, disk, path, at); !errors.Is(err, ErrCorrupt) {
				t.Errorf("after a while: %v", err)
			}
			seq := tailOf(l).seq
			time.Sleep(time.Hour)
			if tailOf(l).seq != seq {
				t.Errorf("%d batches were written to an idle log", tailOf(l).seq-seq)
			}
		}
		must(t, l.Close())
	})
}

// openProving opens a log that proves by itself, and whose next sync can be made to go wrong.
func openProving(t testing.TB) (l *Log, next *atomic.Pointer[vfs.Fault]) {
	t.Helper()
	next = new(atomic.Pointer[vfs.Fault])
	options := testOptions(vfs.Faulty(vfs.NewMem(), func(op vfs.Op) vfs.Fault {
		if op.Kind == vfs.OpSync && next.Load() != nil {
			return *next.Swap(nil)
		}
		return vfs.Fault{}
	}))
	options.Synchronous = false
	return mustOpen(t, options), next
}

// A log that is busy needs no proofs, and one whose disk stalls is left alone.
func TestBusyLogProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, fault := openProving(t)
		synctest.Wait()
		seq := tailOf(l).seq
		for i := range wire.Index(100) {
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, i+1, "a")}}))
			time.Sleep(proveAfter / 3)
		}
		if tailOf(l).seq != seq+100 {
			t.Errorf("%d batches", tailOf(l).seq-seq)
		}
		l.saveMu.Lock() // Something proves the last one before it is time to.
		must(t, l.mark())
		l.saveMu.Unlock()
		time.Sleep(2*proveAfter + 1)
		if tailOf(l).seq != seq+101 {
			t.Errorf("%d batches", tailOf(l).seq-seq)
		}
		stall := func() { time.Sleep(10 * proveAfter) }
		fault.Store(&vfs.Fault{Stall: stall})
		must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 101, "a")}}))
		must(t, l.Close())
	})
}

// A proof that cannot be written is as bad as any other batch.
func TestProofThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, fault := openProving(t)
		must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a")}}))
		synctest.Wait()
		fault.Store(&vfs.Fault{Err: errDisk})
		time.Sleep(2*proveAfter + 1)
		err := l.Save([]wire.Update{{Group: 1, Entries: entries(1, 2, "b")}})
		if !errors.Is(err, ErrFailed) || !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
		must(t, l.Close())
	})
}

// In a segment that is full to its end there is no room for a batch behind the last: its
// last block has the proof, until the segment has a successor.
func TestProofOfFullSegment(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, l *Log, disk *vfs.Mem) *vfs.Mem{
		"closed": func(t *testing.T, l *Log, disk *vfs.Mem) *vfs.Mem {
			must(t, l.Close())
			return disk
		},
		"opened after a crash": func(t *testing.T, l *Log, disk *vfs.Mem) *vfs.Mem {
			after := disk.CrashClone(vfs.LoseAll)
			mustOpen(t, testOptions(after)) // And never closed.
			return after.CrashClone(vfs.LoseAll)
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMem()
			l := mustOpen(t, testOptions(disk))
			at, path := l.tail.end, l.index.active().path
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, string(make([]byte, filling(14))))}}))
			if l.room() > 0 {
				t.Fatalf("there is room for %d bytes", l.room())
			}
			if err := rotAtTail(t, disk, path, at); err != nil {
				t.Errorf("without a proof: %v", err)
			}
			disk = prepare(t, l, disk)
			var corruption *CorruptError
			err := rotAtTail(t, disk, path, at)
			if !errors.As(err, &corruption) || filepath.Base(corruption.File) != filepath.Base(path) || corruption.Offset != int64(at) {
				t.Errorf("with a proof: %v", err)
			}
			l = mustOpen(t, testOptions(disk))
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 2, "b")}}))
			must(t, l.Close())
			l = mustOpen(t, testOptions(disk))
			if state, err := l.Load(1); err != nil || state.Last != 2 {
				t.Errorf("last %d, %v", state.Last, err)
			}
			must(t, l.Close())
		})
	}
}

// What a client saved may look like a batch; where it is known to be inside another one
// that was torn, it does not make that one look whole.
func TestPayloadThatLooksLikeABatch(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	saveOne(t, l, 1, 1, 1)
	s, at := l.index.active(), l.tail.end
	data := bytes.Repeat([]byte("x"), 3000)
	const header = batchHeaderBytes + recordHeaderBytes + wire.EntryOverhead
	forged := batchHeader{seq: l.tail.seq + 2, bytes: batchHeaderBytes}
	forged.put(data[2*512-header:], s, at+2*512)
	decide := func(u vfs.Unsynced) vfs.Survival {
		if u.Offset == int64(at)+512 {
			return vfs.Lost
		}
		return vfs.KeepAll(u)
	}
	var after *vfs.Mem
	file := s.file
	s.file = &syncSpy{File: file, before: func() { after = disk.CrashClone(decide) }}
	must(t, l.Save([]wire.Update{{Group: 1, Entries: []wire.Entry{{Index: 2, Term: 1, Kind: wire.EntryCommand, Data: data}}}}))
	l, err := Open(testOptions(after))
	must(t, err)
	if state, err := l.Load(1); err != nil || state.Last != 1 {
		t.Errorf("last %d, %v", state.Last, err)
	}
	must(t, l.Close())
}

// syncSpy is a file that says when it is about to be synced.
type syncSpy struct {
	vfs.File
	before func()
}

func (f *syncSpy) SyncData() error {
	f.before()
	return f.File.SyncData()
}
