// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

func readOnly(fsys vfs.FS) Options {
	options := testOptions(fsys)
	options.Cluster, options.Node, options.ReadOnly = wire.ClusterID{}, 0, true
	return options
}

// namesOf returns the names in the folder.
func namesOf(t testing.TB, fsys vfs.FS) []string {
	t.Helper()
	names, err := fsys.ReadDir(testDir)
	must(t, err)
	return names
}

// twoPublished is a folder with two snapshots of group 1, and an unfinished one.
func twoPublished(t testing.TB) (disk *vfs.Mem, newest, oldest sample) {
	t.Helper()
	disk = vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	oldest, newest = sampleOf(1, 10, 2000), sampleOf(1, 20, 3000)
	for _, p := range []sample{oldest, newest} {
		_, err := s.Begin(p.group, p.meta)
		must(t, err)
		must(t, p.write(s, 0, uint64(len(p.data))))
		must(t, p.publish(s))
	}
	unfinished := sampleOf(1, 30, 2500)
	_, err := s.Begin(1, unfinished.meta)
	must(t, err)
	must(t, unfinished.write(s, 0, 2500))
	must(t, s.Close())
	return disk, newest, oldest
}

func TestReadOnly(t *testing.T) {
	disk, newest, _ := twoPublished(t)
	before := namesOf(t, disk)
	s := mustOpen(t, readOnly(disk))
	list, err := s.List(1)
	must(t, err)
	if len(list) != 2 || list[0].ID != newest.meta.ID {
		t.Fatalf("there are %+v", list)
	}
	buf := make([]byte, len(newest.data))
	if n, err := s.ReadAt(1, newest.meta.ID, buf, 0); n != len(buf) || !errors.Is(err, io.EOF) || !bytes.Equal(buf, newest.data) {
		t.Errorf("read %d bytes: %v", n, err)
	}
	another := sampleOf(1, 40, 10)
	_, beginErr := s.Begin(1, another.meta)
	for what, err := range map[string]error{
		"Begin": beginErr, "Write": s.Write(1, another.meta.ID, 0, []byte("x")), "Publish": another.publish(s),
		"Abandon": s.Abandon(1), "Delete": s.Delete(1, newest.meta.ID),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, s.Close())
	if after := namesOf(t, disk); len(after) != len(before) {
		t.Errorf("there were %q, and there are %q", before, after)
	}
	if _, err := Open("/nowhere", readOnly(disk)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// Verify finds a flipped bit wherever it is, and leaves the file where it is.
func TestVerify(t *testing.T) {
	disk, newest, oldest := twoPublished(t)
	before := namesOf(t, disk)
	path := filepath.Join(testDir, fileName{group: 1, id: newest.meta.ID, suffix: publishedSuffix}.String())
	file, err := disk.OpenRead(path)
	must(t, err)
	size, err := file.Size()
	must(t, err)
	must(t, file.Close())
	if damages, err := Verify(testDir, readOnly(disk)); err != nil || len(damages) > 0 {
		t.Fatalf("nothing is damaged: %v, %v", damages, err)
	}
	for at := int64(0); at < size; at += 37 {
		flip(t, disk, path, at)
		damages, err := Verify(testDir, readOnly(disk))
		must(t, err)
		if len(damages) != 1 || damages[0].Path != path || damages[0].Offset > at {
			t.Fatalf("a bit at %d: %v", at, damages)
		}
		flip(t, disk, path, at)
	}
	flip(t, disk, path, size-1)
	s := mustOpen(t, readOnly(disk))
	list, err := s.List(1)
	must(t, err)
	if len(list) != 1 || list[0].ID != oldest.meta.ID || len(s.Damages()) != 1 {
		t.Errorf("of a damaged one and a whole one there are %v", list)
	}
	must(t, s.Close())
	if after := namesOf(t, disk); len(after) != len(before) {
		t.Errorf("there were %q, and there are %q", before, after)
	}
}

func flip(t testing.TB, disk *vfs.Mem, path string, at int64) {
	t.Helper()
	file, err := disk.Open(path)
	must(t, err)
	var b [1]byte
	_, err = file.ReadAt(b[:], at)
	must(t, err)
	b[0] ^= 4
	_, err = file.WriteAt(b[:], at)
	must(t, err)
	must(t, file.Close())
}
