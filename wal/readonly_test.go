// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// readOnly are options that leave open whose log it is.
func readOnly(fsys vfs.FS) Options {
	options := testOptions(fsys)
	options.Cluster, options.Node, options.ReadOnly = wire.ClusterID{}, 0, true
	return options
}

// filesOf returns all files of the folder.
func filesOf(t testing.TB, fsys vfs.FS) map[string]string {
	t.Helper()
	names, err := fsys.ReadDir(testDir)
	must(t, err)
	files := make(map[string]string)
	for _, name := range names {
		files[name] = string(readFile(t, fsys, filepath.Join(testDir, name)))
	}
	return files
}

func requireSameFiles(t testing.TB, before, after map[string]string) {
	t.Helper()
	if len(before) != len(after) {
		t.Fatalf("there were %d files, and there are %d", len(before), len(after))
	}
	for name, content := range before {
		if after[name] != content {
			t.Fatalf("%s has changed", name)
		}
	}
}

// A log that is read has all that it had when it was written, and the folder is as it was,
// also after a crash, whose traces an Open that may write would clear away.
func TestReadOnly(t *testing.T) {
	for name, isClosed := range map[string]bool{"after a crash": false, "after close": true} {
		t.Run(name, func(t *testing.T) {
			d := newDamaged(t, isClosed)
			before := filesOf(t, d.disk)
			l := mustOpen(t, readOnly(d.disk))
			got, err := contents(l)
			must(t, err)
			if got != d.whole {
				t.Fatalf("the log has\n%s\nit had\n%s", got, d.whole)
			}
			if id := l.Identity(); id.Node != 7 || id.Cluster != (wire.ClusterID{1, 2, 3}) || id.Incarnation != l.Incarnation() {
				t.Errorf("it is %+v", id)
			}
			if err := l.Save([]wire.Update{{Group: 1, HardState: wire.HardState{Term: 1 << 40}}}); !errors.Is(err, ErrReadOnly) {
				t.Errorf("Save: %v", err)
			}
			if _, err := Open(testOptions(d.disk)); !errors.Is(err, ErrLocked) {
				t.Errorf("a second Open: %v", err)
			}
			must(t, l.Close())
			requireSameFiles(t, before, filesOf(t, d.disk))
			found, err := Verify(readOnly(d.disk))
			must(t, err)
			if len(found) > 0 {
				t.Errorf("Verify: %v", found[0])
			}
			requireSameFiles(t, before, filesOf(t, d.disk))
		})
	}
}

func TestReadOnlyRefusals(t *testing.T) {
	disk := vfs.NewMem()
	if _, err := Open(readOnly(disk)); !errors.Is(err, ErrNoLog) {
		t.Errorf("no folder: %v", err)
	}
	must(t, disk.MkdirAll(testDir))
	if _, err := Open(readOnly(disk)); !errors.Is(err, ErrNoLog) {
		t.Errorf("empty folder: %v", err)
	}
	if len(filesOf(t, disk)) > 0 {
		t.Error("something was made in a folder without a log")
	}
	l := mustOpen(t, testOptions(disk))
	if _, err := Open(readOnly(disk)); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	if id, err := Identify(Options{Dir: testDir, FS: disk}); err != nil || id != l.Identity() {
		t.Errorf("in use: it is %+v, %v", id, err)
	}
	must(t, l.Close())
	other := readOnly(disk)
	other.Node = 8
	if _, err := Open(other); !errors.Is(err, ErrWrongNode) {
		t.Errorf("another node's: %v", err)
	}
	must(t, disk.Remove(filepath.Join(testDir, identityName)))
	if id, err := Identify(Options{Dir: testDir, FS: disk}); err != nil || id != l.Identity() {
		t.Errorf("without its identity file it is %+v, %v", id, err)
	}
	must(t, mustOpen(t, readOnly(disk)).Close())
	if _, ok := filesOf(t, disk)[identityName]; ok {
		t.Error("the identity file was made anew")
	}
}

// Verify finds damage if and only if Open does, names the file, and changes nothing.
func TestVerifyAgreesWithOpen(t *testing.T) {
	for name, isClosed := range map[string]bool{"after a crash": false, "after close": true} {
		t.Run(name, func(t *testing.T) {
			d := newDamaged(t, isClosed)
			refused := 0
			for _, path := range d.files(t) {
				disk := d.disk.CrashClone(vfs.LoseAll)
				content := readFile(t, disk, path)
				places(content, true, func(i int) {
					if i%7 != 0 {
						return // It opens the log twice each time.
					}
					flipBit(t, disk, path, i)
					found, err := Verify(readOnly(disk))
					must(t, err)
					probe := disk.CrashClone(vfs.LoseAll)
					l, openErr := Open(testOptions(probe))
					if openErr == nil {
						must(t, l.Close())
					}
					if (openErr != nil) != (len(found) > 0) {
						t.Fatalf("%s at %d: Open says %v, Verify %v", path, i, openErr, found)
					}
					if len(found) > 0 {
						refused++
						if found[0].File != path {
							t.Fatalf("%s at %d: Verify names %v", path, i, found[0])
						}
					}
					flipBit(t, disk, path, i)
				})
				requireSameFiles(t, filesOf(t, d.disk), filesOf(t, disk))
			}
			if refused == 0 {
				t.Error("nothing was found")
			}
		})
	}
}

// Two damages in different segments, and two in one, are all named.
func TestVerifyFindsAll(t *testing.T) {
	d := newDamaged(t, true)
	files := d.files(t)
	disk := d.disk.CrashClone(vfs.LoseAll)
	want := map[string]int{}
	for _, path := range files[:2] {
		content := readFile(t, disk, path)
		var starts []int
		for at := 0; at < len(content); at += 512 {
			if le.Uint32(content[at:]) == batchMagic && le.Uint32(content[at+36:]) > 0 && le.Uint32(content[at+24:]) == segmentNumber(t, path) {
				starts = append(starts, at)
			}
		}
		if len(starts) < 3 {
			t.Fatalf("%s has batches at %d only", path, starts)
		}
		for _, at := range starts[1:3] {
			flipBit(t, disk, path, at+batchHeaderBytes)
			want[path]++
		}
		flipBit(t, disk, path, starts[0]+8) // The header of a batch.
		want[path]++
	}
	found, err := Verify(readOnly(disk))
	must(t, err)
	got := map[string]int{}
	for _, e := range found {
		got[e.File]++
	}
	for path, n := range want {
		if got[path] != n {
			t.Errorf("%s: %d damages found, %d made: %v", path, got[path], n, found)
		}
	}
}
