// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// verdict is what must become of a log of which a byte is not what was written.
type verdict uint8

const (
	asIf    verdict = iota // Nothing depends on it: the log is as if it was whole.
	dropped                // It is of the last batch, which nothing proves: that is dropped.
	refused                // Open must fail and say where.
)

// region is a part of a file, with the verdict on damage to it, and the offset that the
// error must name.
type region struct {
	from, to int
	verdict  verdict
	offset   int64
}

// rotten is a log that is damaged, and what the harness knows about it.
type rotten struct {
	name    string
	options Options
	disk    *vfs.Mem
	whole   string // what it has
	without string // what it has without its last batch
	regions map[string][]region
	sources [][]byte // sectors that may turn up in the place of others
	last    string   // path of the last segment
	// isLastOnly says that the older segments are as they are in another log.
	isLastOnly bool
}

// newRotten examines a disk. The last batch of all is proven if isProven says so, or if
// it is an empty one.
func newRotten(t testing.TB, name string, options Options, disk *vfs.Mem, isProven bool, whole, without string) *rotten {
	t.Helper()
	r := &rotten{name: name, options: options, disk: disk, whole: whole, without: without, regions: make(map[string][]region)}
	names, err := disk.ReadDir(testDir)
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			r.last = filepath.Join(testDir, name)
		}
	}
	for _, name := range names {
		path := filepath.Join(testDir, name)
		content := readFile(t, disk, path)
		switch {
		case name == identityName:
			r.regions[path] = []region{{0, identityBytes, refused, 0}}
		case strings.HasSuffix(name, segmentSuffix):
			r.regions[path] = regionsOf(content, path == r.last, isProven)
		default:
			r.regions[path] = nil
		}
		r.addSources(content)
	}
	r.addSources(make([]byte, 512))
	return r
}

// addSources adds the sectors of a file, each once.
func (r *rotten) addSources(content []byte) {
	for at := 0; at+512 <= len(content); at += 512 {
		sector := content[at : at+512]
		isNew := true
		for _, known := range r.sources {
			isNew = isNew && string(known) != string(sector)
		}
		if isNew {
			r.sources = append(r.sources, sector)
		}
	}
}

// regionsOf reads a segment as docs/formats-wal.md describes it.
func regionsOf(content []byte, isLast, isProven bool) []region {
	u32 := func(at int) int { return int(le.Uint32(content[at:])) }
	block, state := u32(56), u32(76)
	regions := []region{{0, 128, refused, 0}, {128, 128 + state, refused, 128}}
	aligned := func(n int) int { return (n + block - 1) / block * block }
	for at := aligned(128 + state); at < len(content)-block && string(content[at:at+4]) == "btch" &&
		u32(at+28) == at && u32(at+24) == u32(48); at += aligned(u32(at + 32)) {
		regions = append(regions, region{at, at + u32(at+32), refused, int64(at)})
	}
	if end := &regions[len(regions)-1]; isLast && len(regions) > 2 {
		if u32(end.from+36) == 0 {
			end.verdict = asIf // It has no records.
		} else if !isProven {
			end.verdict = dropped
		}
	}
	return regions
}

// verdict returns what must become of the log if these bytes are damaged, and the
// offset that the error must name.
func (r *rotten) verdict(path string, isDamaged func(i int) bool) (v verdict, offset int64) {
	for _, region := range r.regions[path] {
		for i := region.from; i < region.to; i++ {
			if isDamaged(i) {
				if region.verdict == refused {
					return refused, region.offset
				}
				v = max(v, region.verdict)
				break
			}
		}
	}
	return v, 0
}

// check opens the log on a damaged disk, and compares what becomes of it with the verdict.
func (r *rotten) check(t testing.TB, disk *vfs.Mem, path string, v verdict, offset int64, what string, args ...any) {
	t.Helper()
	what = r.name + ": " + path + ": " + what
	changes := 0
	options := r.options
	const change = vfs.OpCreate | vfs.OpRename | vfs.OpRemove | vfs.OpWrite | vfs.OpTruncate
	options.FS = vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if op.Kind&change != 0 {
			changes++
		}
		return vfs.Fault{}
	})
	l, err := Open(options)
	if v == refused {
		var corruption *CorruptError
		if !errors.As(err, &corruption) || corruption.File != path || corruption.Offset != offset {
			t.Fatalf(what+": want a refusal that names byte %d, got %v", append(args, offset, err)...)
		}
		if changes > 0 {
			t.Fatalf(what+": refused, and changed", args...)
		}
		return
	}
	if err != nil {
		t.Fatalf(what+": %v", append(args, err)...)
	}
	got, err := contents(l)
	must(t, err)
	want := r.whole
	if v == dropped {
		want = r.without
	}
	if got != want {
		t.Fatalf(what+": the log has\n%s\nwant\n%s", append(args, got, want)...)
	}
	must(t, l.Close())
}

// flips flips a bit of every byte of every file, or of the last segment and those that
// are none.
func (r *rotten) flips(t testing.TB) (images int) {
	for path, regions := range r.regions {
		if r.isLastOnly && len(regions) > 1 && path != r.last {
			continue
		}
		size := len(readFile(t, r.disk, path))
		for i := 0; i < size; i += thinning {
			disk := r.disk.CrashClone(vfs.LoseAll)
			flipBit(t, disk, path, i)
			v, offset := r.verdict(path, func(k int) bool { return k == i })
			r.check(t, disk, path, v, offset, "a bit of byte %d flipped", i)
			images++
		}
	}
	return images
}

// blocks puts every sector that there is, and some that there should not be, in the place
// of every other.
func (r *rotten) blocks(t testing.TB) (images int) {
	garbage := make([]byte, 512)
	for i := range garbage {
		garbage[i] = byte(7 * i * i)
	}
	sources := append(r.sources, garbage)
	for path := range r.regions {
		content := readFile(t, r.disk, path)
		for at := 0; at < len(content); at += 512 {
			for n, source := range sources {
				if (n+at/512)%thinning != 0 {
					continue
				}
				end := min(at+512, len(content))
				v, offset := r.verdict(path, func(i int) bool { return i >= at && i < end && content[i] != source[i-at] })
				disk := r.disk.CrashClone(vfs.LoseAll)
				overwrite(t, disk, path, source[:end-at], at)
				r.check(t, disk, path, v, offset, "the sector at %d is another, number %d", at, n)
				images++
			}
		}
	}
	return images
}

func overwrite(t testing.TB, disk *vfs.Mem, path string, data []byte, at int) {
	t.Helper()
	file, err := disk.Open(path)
	must(t, err)
	_, err = file.WriteAt(data, int64(at))
	must(t, err)
	must(t, errors.Join(file.Sync(), file.Close()))
}

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

// rotMin is how many damaged logs there are at least, of which the race detector gets
// a share of one in thinning.
const rotMin = 100_000

// A bit flips in every byte of every file, and every sector is zero, garbage, or any of
// the other sectors that there are, in turn. What was synced and is followed by something
// that proves so is refused, by file and offset, and nothing is changed; what was torn
// is recovered; neither is ever taken for the other. The one exception is as narrow
// as it is documented: the last batch, as long as nothing proves it.
func TestRotEverywhere(t *testing.T) {
	var total atomic.Int64
	t.Run("logs", func(t *testing.T) {
		for _, r := range rottenLogs(t) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.check(t, r.disk.CrashClone(vfs.LoseAll), "", asIf, 0, "without damage")
				flips, blocks := r.flips(t), r.blocks(t)
				t.Logf("%d files, %d flips, %d sectors", len(r.regions), flips, blocks)
				total.Add(int64(flips + blocks))
			})
		}
	})
	images := total.Load()
	t.Logf("%d images", images)
	if images < rotMin/thinning {
		t.Errorf("only %d images", images)
	}
}

// Nothing but the last batch is ever in doubt, and that only until something follows it.
func TestDoubtIsNarrow(t *testing.T) {
	for _, r := range rottenLogs(t) {
		inDoubt := 0
		for _, regions := range r.regions {
			for _, region := range regions {
				if region.verdict == dropped {
					inDoubt++
				}
			}
		}
		want := 0
		if strings.HasPrefix(r.name, "after a crash") || r.name == "torn tail without a header" {
			want = 1
		}
		if inDoubt != want {
			t.Errorf("%s: %d batches in doubt, want %d", r.name, inDoubt, want)
		}
	}
}
