// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// rottenBase makes a log of the script, without closing it.
func rottenBase(t testing.TB, options Options, saves func(s *script)) (l *Log, disk *vfs.Mem, s *script) {
	t.Helper()
	s = newScript("rotten")
	saves(s)
	disk = vfs.NewMem()
	options.FS = disk
	l = mustOpen(t, options)
	for _, step := range s.steps {
		must(t, l.Save(step.updates))
	}
	return l, disk, s
}

// variety is a bit of everything, in at least three segments, the first of all gone.
func variety(s *script) {
	s.save(s.append(1, 1, 900, 10), s.append(2, 1, 0, 300))
	s.save(wire.Update{Group: 3, Reset: wire.LogID{Term: 2, Index: 50}, Entries: s.entries(3, 51, 400)})
	for i := range 7 {
		u := s.append(1, wire.Term(2+i/4), filling(4), 100)
		u.HardState = wire.HardState{Term: 9, Vote: 2}
		s.save(u)
		if i == 4 {
			s.save(wire.Update{Group: 1, Compact: 7}, s.append(2, 3, 700), s.append(3, 3, 300))
			s.save(wire.Update{Group: 2, Entries: s.entries(4, 2, 600)}, wire.Update{Group: 3, Compact: 51})
		}
	}
	s.save(s.append(2, 9, 200), s.append(3, 9, 500))
	s.save(s.append(1, 9, 700), s.append(2, 9, 100))
}

// rottenLogs are logs in every state that a disk may be found in.
func rottenLogs(t testing.TB) []*rotten {
	t.Helper()
	small, large := testOptions(nil), testOptions(nil)
	large.BlockBytes, large.SegmentBytes = 1024, 12<<10
	var logs []*rotten
	for name, options := range map[string]Options{"": small, ", larger blocks": large} {
		l, disk, s := rottenBase(t, options, variety)
		legal := s.steps[len(s.steps)-1].legal
		whole, without := legal[1].text, legal[0].text
		logs = append(logs, newRotten(t, "after a crash"+name, options, disk.CrashClone(vfs.LoseAll), false, whole, without))
		must(t, l.Close())
		logs = append(logs, newRotten(t, "closed"+name, options, disk.CrashClone(vfs.LoseAll), true, whole, whole))
		logs[len(logs)-1].isLastOnly = name != ""
	}
	more := []*rotten{rottenTail(t, false), rottenTail(t, true), rottenFresh(t)}
	for _, r := range more {
		r.isLastOnly = true
	}
	return append(append(logs, more...), rottenFull(t))
}

// rottenTail has the remains of a write that was interrupted at its end. If they have
// its header, that proves the batch before.
func rottenTail(t testing.TB, withHeader bool) *rotten {
	l, disk, s := rottenBase(t, testOptions(nil), variety)
	legal := s.steps[len(s.steps)-1].legal
	if l.room() < 4*512 {
		t.Fatalf("there is room for %d bytes", l.room())
	}
	at, torn := int64(l.tail.end), (*vfs.Mem)(nil)
	file := l.index.active().file
	l.index.active().file = &syncSpy{File: file, before: func() {
		if torn != nil { // Close syncs once more.
			return
		}
		torn = disk.CrashClone(func(u vfs.Unsynced) vfs.Survival {
			if u.Offset == at && !withHeader || u.Offset == at+1024 {
				return vfs.Lost
			}
			return vfs.KeepAll(u)
		})
	}}
	must(t, l.Save([]wire.Update{s.append(1, 20, filling(3))}))
	must(t, l.Close())
	if torn == nil {
		t.Fatal("nothing was torn")
	}
	name := "torn tail without a header"
	if withHeader {
		name = "torn tail with a header"
	}
	r := newRotten(t, name, testOptions(nil), torn, withHeader, legal[1].text, legal[0].text)
	if withHeader { // The last region is of the torn batch, on which nothing depends.
		regions := r.regions[segmentPath(testDir, l.index.active().number)]
		regions[len(regions)-1].verdict = asIf
	}
	return r
}

// rottenFull ends with a segment that is full, and was closed.
func rottenFull(t testing.TB) *rotten {
	l, disk, s := rottenBase(t, testOptions(nil), func(s *script) {
		s.save(s.append(1, 1, filling(14)))
		s.save(s.append(1, 1, filling(6)))
		s.save(s.append(1, 1, filling(8)))
	})
	if l.room() > 0 {
		t.Fatalf("there is room for %d bytes", l.room())
	}
	must(t, l.Close())
	whole := s.steps[len(s.steps)-1].legal[1].text
	return newRotten(t, "full and closed", testOptions(nil), disk.CrashClone(vfs.LoseAll), true, whole, whole)
}

// rottenFresh ends with a segment in which no batch is yet.
func rottenFresh(t testing.TB) *rotten {
	l, disk, s := rottenBase(t, testOptions(nil), variety)
	must(t, l.roll())
	whole := s.steps[len(s.steps)-1].legal[1].text
	r := newRotten(t, "fresh segment", testOptions(nil), disk.CrashClone(vfs.LoseAll), true, whole, whole)
	must(t, l.Close())
	return r
}
