// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

var (
	errDisk    = errors.New("input/output error")
	errNoSpace = errors.New("no space left on device")
)

// faultRun makes the full script on a disk of which an operation fails, maybe once only, and
// returns what may be published when the store is next opened, and the snapshot that was being
// written.
func faultRun(t *testing.T, fsys *vfs.FaultyFS, n int, once bool) (legal []string, begun *sample, failure error) {
	t.Helper()
	s := fullScript()
	l := &life{options: testOptions(fsys)}
	store, err := Open(testDir, l.options)
	if err != nil {
		return s.states[:1], nil, err
	}
	l.store = store
	for i, step := range s.steps {
		if failure = step(l); failure == nil {
			continue
		}
		legal, begun = s.states[i:i+2], s.begun[i+1]
		if begun == nil {
			begun = s.begun[i]
		}
		if l.store == nil {
			return legal, begun, failure // It was being opened.
		}
		for _, p := range []*sample{s.begun[i], s.begun[i+1]} {
			if p != nil {
				requireAbandoned(t, l.store, p, n, failure)
			}
		}
		if got, err := show(l.store, 1); err == nil && !slices.Contains(legal, got) {
			t.Fatalf("operation %d, %v: the store has\n%.200q", n, failure, got)
		}
		break
	}
	if failure == nil {
		legal = s.states[len(s.states)-1:]
	} else if once {
		legal = append(slices.Clone(legal), retry(t, l.store, begun, n, failure))
	}
	if err := l.store.Close(); failure == nil {
		failure = err
	}
	return legal, begun, failure
}

// retry makes the snapshot in the same life in which it failed, and returns what is then shown.
func retry(t *testing.T, s *Store, p *sample, n int, failure error) string {
	t.Helper()
	if _, err := s.List(1); p != nil && err == nil {
		if err := p.finish(s); err != nil && !errors.Is(err, ErrExists) {
			t.Fatalf("operation %d, %v: the next try gives %v", n, failure, err)
		}
	}
	got, err := show(s, 1)
	if err != nil && !errors.Is(err, ErrClosed) {
		t.Fatalf("operation %d, %v: then %v", n, failure, err)
	}
	return got
}

// requireAbandoned checks that a snapshot of which something failed is not gone on with.
func requireAbandoned(t *testing.T, s *Store, p *sample, n int, failure error) {
	t.Helper()
	if err := s.Write(p.group, p.meta.ID, 0, []byte("x")); err == nil {
		t.Fatalf("operation %d, %v: then a Write works", n, failure)
	}
	if err := p.publish(s); err == nil && !strings.Contains(failure.Error(), "begin") {
		t.Fatalf("operation %d, %v: then Publish works", n, failure)
	}
}

// Whatever operation fails, and however: it is said, what was to be published is published as
// a whole or not at all, what was published is there, and the snapshot can be made
// by the next who tries, in this life or the next.
func TestFaultAtEveryChange(t *testing.T) {
	for name, fault := range map[string]vfs.Fault{
		"EIO":              {Err: errDisk},
		"EIO, writes gone": {Err: errDisk, LoseUnsynced: true},
		"ENOSPC, short":    {Err: errNoSpace, ShortBytes: 300},
	} {
		t.Run(name, func(t *testing.T) {
			n := 1
			for ; faultAt(t, n, vfs.OpChange, fault); n++ {
			}
			if n < 60 {
				t.Errorf("only %d operations", n)
			}
		})
	}
}

// The same for operations that change nothing, reads among them.
func TestFaultAtEveryOperation(t *testing.T) {
	n := 1
	for ; faultAt(t, n, vfs.OpAny, vfs.Fault{Err: errDisk}); n++ {
	}
	if n < 150 {
		t.Errorf("only %d operations", n)
	}
}

// A full disk is one on which nothing can be written or created any more.
func TestFullDiskFromAnyMoment(t *testing.T) {
	for n := 1; ; n++ {
		disk := vfs.NewMem()
		isReached := false
		from := vfs.From(n, vfs.OpCreate|vfs.OpWrite, vfs.Fault{Err: errNoSpace, ShortBytes: 100})
		fsys := vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
			f := from(op)
			isReached = isReached || f.Err != nil
			return f
		})
		legal, begun, failure := faultRun(t, fsys, n, false)
		if !isReached {
			must(t, failure)
			break
		}
		if !errors.Is(failure, errNoSpace) {
			t.Fatalf("operation %d: %v", n, failure)
		}
		if found := strings.Join(names(t, disk), " "); strings.Contains(found, unfinishedSuffix) {
			t.Fatalf("operation %d: there is left %s", n, found)
		}
		checkAfterFault(t, disk, legal, begun, n)
	}
}

// faultAt makes the nth operation of some kinds fail. It returns false if there are not so many.
func faultAt(t *testing.T, n int, kinds vfs.OpKind, fault vfs.Fault) bool {
	t.Helper()
	disk := vfs.NewMem()
	isReached := false
	once := vfs.Once(n, kinds, fault)
	legal, begun, failure := faultRun(t, vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		f := once(op)
		isReached = isReached || f.Err != nil
		return f
	}), n, true)
	if !isReached {
		must(t, failure)
		return false
	}
	if failure != nil && (!errors.Is(failure, fault.Err) || errors.Is(failure, ErrDamaged)) {
		t.Fatalf("operation %d: %v", n, failure)
	}
	checkAfterFault(t, disk, legal, begun, n)
	return true
}

// checkAfterFault opens the store again, on the disk as it is and as it is after a power loss.
func checkAfterFault(t *testing.T, disk *vfs.Mem, legal []string, begun *sample, n int) {
	t.Helper()
	im := image{disk: disk, legal: legal, begun: []*sample{begun}, when: fmt.Sprint("after operation ", n)}
	im.checkLife(t)
	lost := im
	lost.disk = disk.CrashClone(vfs.LoseAll)
	lost.checkLife(t)
}

// After a failed sync the system shows what the disk does not have. The same process does not
// go on with such a file, even if it cannot remove it; and another does not
// believe what it sees.
func TestFailedSyncIsNotBelieved(t *testing.T) {
	for _, isRestarted := range []bool{false, true} {
		disk := vfs.NewMem()
		decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
		options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) }))
		options.SyncBytes = blockBytesMin
		s := mustOpen(t, options)
		_, err := s.Begin(1, sampleB.meta)
		must(t, err)
		sync := vfs.Once(3, vfs.OpSync, vfs.Fault{Err: errDisk, LoseUnsynced: true})
		decide = func(op vfs.Op) vfs.Fault {
			if op.Kind == vfs.OpRemove {
				return vfs.Fault{Err: errDisk}
			}
			return sync(op)
		}
		if err := sampleB.write(s, 0, 1800); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		if err := s.Write(1, sampleB.meta.ID, 0, nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("another Write gives %v", err)
		}
		want := uint64(0)
		if isRestarted {
			must(t, s.Close())
			s = mustOpen(t, options)
			want = 2 * blockBytesMin
		} else if _, err := s.Begin(1, sampleB.meta); !errors.Is(err, errDisk) {
			t.Errorf("Begin, with a file that cannot be removed, gives %v", err)
		}
		decide = func(vfs.Op) vfs.Fault { return vfs.Fault{} }
		held, err := s.Begin(1, sampleB.meta)
		must(t, err)
		if held != want {
			t.Errorf("restarted %v: Begin has %d bytes", isRestarted, held)
		}
		must(t, sampleB.finish(s))
		requireState(t, disk, shown(sampleB))
		must(t, s.Close())
	}
}

// What the disk does not hold as it was written is not published.
func TestReadBack(t *testing.T) {
	disk := vfs.NewMem()
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) }))
	s := mustOpen(t, options)
	must(t, sampleA.finish(s))
	for n := 1; ; n++ {
		held, err := s.Begin(1, sampleB.meta)
		must(t, err)
		must(t, sampleB.write(s, held, 1800))
		isReached := false
		flip := vfs.Once(n, vfs.OpRead, vfs.Fault{FlipBit: 8*13 + 1})
		decide = func(op vfs.Op) vfs.Fault {
			f := flip(op)
			isReached = isReached || f.FlipBit > 0
			return f
		}
		err = sampleB.publish(s)
		decide = func(vfs.Op) vfs.Fault { return vfs.Fault{} }
		if !isReached {
			must(t, err)
			break
		}
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("read %d: %v", n, err)
		}
		requireShown(t, s, 1, sampleA)
	}
	requireShown(t, s, 1, sampleB, sampleA)
	must(t, s.Close())
}

// An I/O error is no damage: the snapshot stays.
func TestReadErrors(t *testing.T) {
	disk, samples, _ := published(t, 700, 1300)
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	s := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
	buf := make([]byte, 1300)
	for _, kind := range []vfs.OpKind{vfs.OpOpen, vfs.OpSize, vfs.OpRead} {
		decide = vfs.From(1, kind, vfs.Fault{Err: errDisk})
		if n, err := s.ReadAt(1, samples[1].meta.ID, buf, 0); n > 0 || !errors.Is(err, errDisk) || errors.Is(err, ErrDamaged) {
			t.Errorf("read %d bytes, error %v", n, err)
		}
		decide = func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	}
	if n, err := s.ReadAt(1, samples[1].meta.ID, buf, 0); n != 1300 || err != io.EOF {
		t.Errorf("read %d bytes, error %v", n, err)
	}
	requireShown(t, s, 1, samples[1], samples[0])
	must(t, s.Close())
}

// A snapshot whose name is not known to be durable is not published, and does not take up
// space.
func TestFolderSyncFailsInPublish(t *testing.T) {
	disk := vfs.NewMem()
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	s := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
	_, err := s.Begin(1, sampleA.meta)
	must(t, err)
	must(t, sampleA.write(s, 0, 1300))
	decide = vfs.Once(1, vfs.OpSyncDir, vfs.Fault{Err: errDisk})
	if err := sampleA.publish(s); !errors.Is(err, errDisk) {
		t.Errorf("Publish gives %v", err)
	}
	if found := names(t, disk); len(found) > 0 {
		t.Errorf("there is left %v", found)
	}
	must(t, sampleA.finish(s))
	requireShown(t, s, 1, sampleA)
	must(t, s.Close())
}

// A snapshot that cannot be removed is still there, and can be deleted later.
func TestDeleteFails(t *testing.T) {
	disk, samples, _ := published(t, 700, 1300)
	s := mustOpen(t, testOptions(vfs.Faulty(disk, vfs.Once(1, vfs.OpRemove, vfs.Fault{Err: errDisk}))))
	if err := s.Delete(1, samples[0].meta.ID); !errors.Is(err, errDisk) {
		t.Errorf("Delete gives %v", err)
	}
	requireShown(t, s, 1, samples[1], samples[0])
	must(t, s.Delete(1, samples[0].meta.ID))
	must(t, s.Close())
	requireState(t, disk, shown(samples[1]))
}

// Publish reads back what it has written after the cache was dropped, and that after the sync.
func TestOrderInPublish(t *testing.T) {
	var kinds []vfs.OpKind
	s := mustOpen(t, testOptions(vfs.Faulty(vfs.NewMem(), func(op vfs.Op) vfs.Fault {
		if len(kinds) == 0 || kinds[len(kinds)-1] != op.Kind {
			kinds = append(kinds, op.Kind)
		}
		return vfs.Fault{}
	})))
	_, err := s.Begin(1, sampleA.meta)
	must(t, err)
	must(t, sampleA.write(s, 0, 1300))
	kinds = nil
	must(t, sampleA.publish(s))
	want := []vfs.OpKind{vfs.OpWrite, vfs.OpSync, vfs.OpDropCache, vfs.OpSize, vfs.OpRead, vfs.OpClose, vfs.OpRename, vfs.OpSyncDir}
	if !slices.Equal(kinds, want) {
		t.Errorf("operations %b, want %b", kinds, want)
	}
	must(t, s.Close())
}
