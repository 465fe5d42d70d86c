// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

func TestFilesOfAnotherSize(t *testing.T) {
	d := newDamaged(t, false)
	for _, path := range d.files(t) {
		before := readFile(t, d.disk, path)
		for _, size := range []int{0, 1, 127, 511, len(before) - 1, len(before) + 1, 2 * len(before)} {
			disk := d.disk.CrashClone(vfs.LoseAll)
			content := append(slices.Clone(before), make([]byte, 2*len(before)+512)...)[:size]
			if bytes.Equal(content, before) {
				continue
			}
			replaceFile(t, disk, path, content)
			if got := d.reopen(t, disk, false, "%s: %d bytes", path, size); got != "refused" {
				t.Errorf("%s of %d bytes: %s", path, size, got)
			}
		}
	}
}

func TestSwappedAndForeignFiles(t *testing.T) {
	d := newDamaged(t, false)
	files := d.files(t)
	first, second := files[0], files[1]
	swapped := d.disk.CrashClone(vfs.LoseAll)
	a, b := readFile(t, swapped, first), readFile(t, swapped, second)
	replaceFile(t, swapped, first, b)
	replaceFile(t, swapped, second, a)
	if got := d.reopen(t, swapped, false, "two segments swapped"); got != "refused" {
		t.Errorf("two segments swapped: %s", got)
	}

	for name, change := range map[string]func(o *Options){
		"incarnation": func(o *Options) { o.Incarnation++ },
		"node":        func(o *Options) { o.Node++ },
		"cluster":     func(o *Options) { o.Cluster[0]++ },
	} {
		other := testOptions(vfs.NewMem())
		change(&other)
		l := mustOpen(t, other)
		for i := range wire.Index(200) {
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, i+1, strings.Repeat("x", 900))}}))
		}
		must(t, l.Close())
		for _, path := range files[:3] {
			if !slices.Contains(segmentNumbers(t, other.FS), segmentNumber(t, path)) {
				t.Fatalf("the other log has no %s", path)
			}
			disk := d.disk.CrashClone(vfs.LoseAll)
			replaceFile(t, disk, path, readFile(t, other.FS, path))
			_, err := Open(testOptions(disk))
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrWrongNode) && !errors.Is(err, ErrWrongCluster) {
				t.Errorf("%s of another %s: %v", path, name, err)
			}
		}
	}
}

// A folder with one segment, which is another folder's, has nothing to compare it
// with but the identity.
func TestOnlySegmentIsForeign(t *testing.T) {
	disks := make([]*vfs.Mem, 2)
	for i := range disks {
		disks[i] = vfs.NewMem()
		options := testOptions(disks[i])
		options.Incarnation += wire.Incarnation(i)
		l := mustOpen(t, options)
		saveOne(t, l, 1, 1, 1)
		must(t, l.Close())
	}
	path := segmentPath(testDir, 1)
	replaceFile(t, disks[0], path, readFile(t, disks[1], path))
	_, err := Open(testOptions(disks[0]))
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "another incarnation") {
		t.Errorf("got %v", err)
	}
}

// Somebody copied the folder, and both copies went on: files and blocks of one are not
// taken for those of the other, though all that they say of themselves is equal.
func TestForkedFolders(t *testing.T) {
	one := vfs.NewMem()
	l := mustOpen(t, testOptions(one))
	for i := range wire.Index(10) {
		saveOne(t, l, 1, i+1, 1000)
	}
	must(t, l.Close())
	two := one.CrashClone(vfs.LoseAll)
	var wholes []string
	for i, disk := range []*vfs.Mem{one, two} {
		l := mustOpen(t, testOptions(disk))
		must(t, l.Save([]wire.Update{{Group: 9, HardState: wire.HardState{Term: 1, Vote: wire.NodeID(i + 1)}}}))
		for k := wire.Index(10); k < 30; k++ {
			saveOne(t, l, 1, k+1, 1000)
		}
		whole, err := contents(l)
		must(t, err)
		wholes = append(wholes, whole)
		must(t, l.Close())
	}
	d := damaged{disk: one, whole: wholes[0], beforeLast: wholes[0]}
	refused := 0
	for _, path := range d.files(t) {
		content, other := readFile(t, one, path), readFile(t, two, path)
		if bytes.Equal(content, other) {
			continue
		}
		disk := one.CrashClone(vfs.LoseAll)
		replaceFile(t, disk, path, other)
		if got := d.reopen(t, disk, false, "%s is of the fork", path); got != "refused" {
			t.Errorf("%s is of the fork: %s", path, got)
		}
		for block := 0; block < len(content); block += 512 {
			if bytes.Equal(content[block:block+512], other[block:block+512]) {
				continue
			}
			disk := one.CrashClone(vfs.LoseAll)
			mixed := slices.Clone(content)
			copy(mixed[block:], other[block:]) // The rest of the file is of the fork.
			replaceFile(t, disk, path, mixed)
			if d.reopen(t, disk, false, "%s from %d is of the fork", path, block) == "refused" {
				refused++
			}
		}
	}
	if refused < 20 {
		t.Errorf("only %d refusals", refused)
	}
}

// A record in another's place is not taken for it, even if its checksum is good.
func TestReadOfAnotherRecord(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a")}, {Group: 2, Entries: entries(1, 1, "b")}}))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 2, "c")}}))
	right := l.index.groups[1].runs[0]
	for name, wrong := range map[string]run{
		"of another group": l.index.groups[2].runs[0],
		"of another index": l.index.groups[1].runs[1],
	} {
		wrong.first = right.first
		l.index.groups[1].runs[0] = wrong
		if found, err := l.Entries(1, 1, 1, 1000); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	must(t, l.Close())
}

// What a torn write left is gone once the log was opened.
func TestRemainsAreCleared(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	saveOne(t, l, 1, 1, 1)
	must(t, l.Close())
	s := l.index.active()
	content := readFile(t, disk, s.path)
	l.encoder.begin(s, l.tail.end, 3000)
	l.encoder.update(&wire.Update{Group: 1, Entries: entries(1, 2, strings.Repeat("y", 2000))}, wire.LogID{})
	buf, _ := l.encoder.finish(l.tail)
	torn := slices.Clone(content)
	copy(torn[l.tail.end:], buf)
	clear(torn[l.tail.end+1024 : l.tail.end+1536])
	replaceFile(t, disk, s.path, torn)
	l = mustOpen(t, testOptions(disk))
	if !bytes.Equal(readFile(t, disk, s.path), content) {
		t.Error("the remains are there")
	}
	must(t, l.Close())
}

func segmentNumber(t testing.TB, path string) uint32 {
	t.Helper()
	number, ok := parseName(filepath.Base(path), segmentSuffix)
	if !ok {
		t.Fatalf("%s is no segment", path)
	}
	return uint32(number)
}

// A file of a spare may hold anything.
func TestSparesAreNotTrusted(t *testing.T) {
	d := newDamaged(t, true)
	names, err := d.disk.ReadDir(testDir)
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, spareSuffix) {
			replaceFile(t, d.disk, filepath.Join(testDir, name), readFile(t, d.disk, d.lastFile))
		}
	}
	replaceFile(t, d.disk, filepath.Join(testDir, numberedName(9999, spareSuffix)), []byte("short"))
	replaceFile(t, d.disk, filepath.Join(testDir, numberedName(9998, spareSuffix)+tempSuffix), []byte("unfinished"))
	if got := d.reopen(t, d.disk, false, "spares"); got != "whole" {
		t.Errorf("spares: %s", got)
	}
	l := mustOpen(t, testOptions(d.disk))
	var last wire.Index
	for i := range wire.Index(100) {
		must(t, l.Save([]wire.Update{{Group: 50, Entries: entries(1, i+1, strings.Repeat("x", 400))}}))
		last = i + 1
	}
	must(t, l.Close())
	l = mustOpen(t, testOptions(d.disk))
	state, err := l.Load(50)
	must(t, err)
	if state.Last != last {
		t.Errorf("last entry %d, want %d", state.Last, last)
	}
	must(t, l.Close())
}
