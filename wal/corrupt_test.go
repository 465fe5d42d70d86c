// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// readFile and replaceFile read and replace a whole file, durably.
func readFile(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	file, err := fsys.OpenRead(path)
	must(t, err)
	size, err := file.Size()
	must(t, err)
	content := make([]byte, size)
	_, err = file.ReadAt(content, 0)
	must(t, err)
	must(t, file.Close())
	return content
}

func replaceFile(t testing.TB, fsys vfs.FS, path string, content []byte) {
	t.Helper()
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	file, err := fsys.Create(path)
	must(t, err)
	_, err = file.WriteAt(content, 0)
	must(t, err)
	must(t, file.Sync())
	must(t, file.Close())
	must(t, fsys.SyncDir(testDir))
}

// damaged is a log that something is done to.
type damaged struct {
	disk  *vfs.Mem
	whole string // what it had
	// beforeLast is what it had before the last batch that changed something; equal to
	// whole if a later batch proves that one.
	beforeLast string
	last       tail // behind the last batch
	lastFile   string
}

// newDamaged makes a log of at least three segments, the oldest not the first that
// there was, with a bit of everything.
func newDamaged(t testing.TB, isClosed bool) damaged {
	t.Helper()
	disk := vfs.NewMem()
	h := randomHistory(21, 300, 3)
	l := mustOpen(t, testOptions(disk))
	var d damaged
	isDone := false
	for i := 0; !isDone; i++ {
		oldest := l.index.segments[0]
		must(t, l.Save(h.saves[i]))
		d.beforeLast, d.whole = h.states[i], h.states[i+1]
		// If the last batch let go of a segment, a log without it is refused.
		isDone = isInteresting(l) && d.whole != d.beforeLast && l.index.segments[0] == oldest
	}
	if isClosed {
		must(t, l.Close())
		d.beforeLast = d.whole
	}
	d.last, d.lastFile, d.disk = l.tail, l.index.active().path, disk.CrashClone(vfs.LoseAll)
	if !isClosed {
		must(t, l.Close())
	}
	return d
}

// isInteresting reports whether the log ends in the middle of the third segment or a
// later one, and has a checkpoint that says something.
func isInteresting(l *Log) bool {
	segments := l.index.segments
	return len(segments) >= 3 && segments[0].number > 1 && l.tail.end > l.index.active().start+1024
}

// files returns the log's files that are in use.
func (d *damaged) files(t testing.TB) []string {
	t.Helper()
	names, err := d.disk.ReadDir(testDir)
	must(t, err)
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) || name == identityName {
			paths = append(paths, filepath.Join(testDir, name))
		}
	}
	return paths
}

// reopen opens the log on a damaged disk: that is refused, and nothing changed, or
// the log is as it was, or, if mayLoseLast, without the last batch.
func (d *damaged) reopen(t testing.TB, disk *vfs.Mem, mayLoseLast bool, what string, args ...any) (outcome string) {
	t.Helper()
	l, err := Open(testOptions(disk))
	if err != nil {
		var corruption *CorruptError
		if !errors.As(err, &corruption) || corruption.File == "" || corruption.Hint == "" {
			t.Fatalf(what+": %v", append(args, err)...)
		}
		return "refused"
	}
	defer func() { must(t, l.Close()) }()
	got, err := contents(l)
	must(t, err)
	switch {
	case got == d.whole:
		return "whole"
	case got == d.beforeLast && mayLoseLast:
		return "without the last"
	}
	t.Fatalf(what+": the log has\n%s\nit had\n%s", append(args, got, d.whole)...)
	return ""
}

// places calls each for every byte of blocks that are not zero, but for the many of
// payloads in old segments, of which it takes some, like those of zero blocks.
func places(content []byte, isOld bool, each func(i int)) {
	for block := 0; block < len(content); block += 512 {
		end := min(block+512, len(content))
		isZero := !slices.ContainsFunc(content[block:end], func(b byte) bool { return b != 0 })
		for i := block; i < end; {
			each(i)
			switch {
			case isZero:
				i += 101
			case isOld && i >= 2048:
				i += 11 * thinning
			default:
				i += thinning
			}
		}
	}
}

// A bit flips somewhere on the disk. What is returned is never wrong, and nothing is
// lost but, if nothing proves that it was synced, the last batch.
func TestBitFlipAnywhere(t *testing.T) {
	for name, isClosed := range map[string]bool{"after a crash": false, "after close": true} {
		t.Run(name, func(t *testing.T) {
			d := newDamaged(t, isClosed)
			outcomes := make(map[string]int)
			for _, path := range d.files(t) {
				disk := d.disk.CrashClone(vfs.LoseAll)
				before := readFile(t, disk, path)
				places(before, path != d.lastFile, func(i int) {
					flipBit(t, disk, path, i)
					outcome := d.reopen(t, disk, path == d.lastFile, "bit flipped in %s at %d", path, i)
					outcomes[outcome]++
					if outcome != "refused" { // Then it may have changed.
						disk = d.disk.CrashClone(vfs.LoseAll)
						return
					}
					flipBit(t, disk, path, i)
					if !bytes.Equal(readFile(t, disk, path), before) {
						t.Fatalf("%s: bit flipped at %d: refused, and changed", path, i)
					}
				})
			}
			t.Log(outcomes)
			if outcomes["refused"] == 0 || outcomes["whole"] == 0 || (outcomes["without the last"] == 0) != isClosed {
				t.Errorf("outcomes %v", outcomes)
			}
		})
	}
}

func flipBit(t testing.TB, disk *vfs.Mem, path string, i int) {
	t.Helper()
	file, err := disk.Open(path)
	must(t, err)
	var b [1]byte
	_, err = file.ReadAt(b[:], int64(i))
	must(t, err)
	b[0] ^= 1 << (i % 8)
	_, err = file.WriteAt(b[:], int64(i))
	must(t, err)
	must(t, file.Sync())
	must(t, file.Close())
}

// A block is zeroed, or is what another block is: a lost, misdirected or stale write.
func TestWrongBlocks(t *testing.T) {
	for name, isClosed := range map[string]bool{"after a crash": false, "after close": true} {
		t.Run(name, func(t *testing.T) {
			d := newDamaged(t, isClosed)
			files := d.files(t)
			for _, path := range files {
				before := readFile(t, d.disk, path)
				for block := 0; block+512 <= len(before); block += 512 {
					for _, from := range files {
						source := readFile(t, d.disk, from)
						for other := 0; other+512 <= len(source); other += 7 * 512 {
							disk := d.disk.CrashClone(vfs.LoseAll)
							content := slices.Clone(before)
							copy(content[block:], source[other:other+512])
							replaceFile(t, disk, path, content)
							d.reopen(t, disk, path == d.lastFile, "%s: block at %d is that of %s at %d", path, block, from, other)
						}
					}
				}
			}
		})
	}
}

func TestZeroedHeaders(t *testing.T) {
	d := newDamaged(t, false)
	for _, path := range d.files(t) {
		disk := d.disk.CrashClone(vfs.LoseAll)
		content := readFile(t, disk, path)
		clear(content[:min(512, len(content))])
		replaceFile(t, disk, path, content)
		if got := d.reopen(t, disk, false, "%s: header zeroed", path); got != "refused" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	d := newDamaged(t, false)
	files := d.files(t)
	segments := files[:len(files)-1]
	for i, path := range segments {
		disk := d.disk.CrashClone(vfs.LoseAll)
		must(t, disk.Remove(path))
		_, err := Open(testOptions(disk))
		var corruption *CorruptError
		if !errors.As(err, &corruption) || corruption.File != path {
			t.Errorf("segment %d of %d removed: %v", i, len(segments), err)
		}
	}
	disk := d.disk.CrashClone(vfs.LoseAll)
	for _, path := range segments {
		must(t, disk.Remove(path))
	}
	if _, err := Open(testOptions(disk)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("all segments removed: %v", err)
	}
	disk = d.disk.CrashClone(vfs.LoseAll)
	must(t, disk.Remove(filepath.Join(testDir, identityName)))
	if got := d.reopen(t, disk, false, "identity removed"); got != "whole" {
		t.Errorf("identity removed: %s", got)
	}
	must(t, disk.Remove(segments[0]))
	if got := d.reopen(t, disk, false, "identity made anew, segment removed"); got != "refused" {
		t.Errorf("identity made anew, segment removed: %s", got)
	}
}
