// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

// forEachFS runs a test of what every file system must do.
func forEachFS(t *testing.T, test func(t *testing.T, fsys FS, dir string)) {
	t.Helper()
	t.Run("os", func(t *testing.T) { test(t, OS(), filepath.Join(t.TempDir(), "a", "b")) })
	t.Run("mem", func(t *testing.T) { test(t, NewMem(), "/a/b") })
	t.Run("faulty", func(t *testing.T) {
		test(t, Faulty(NewMem(), func(Op) Fault { return Fault{} }), "/a/b")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, fsys FS, path string, content []byte) File {
	t.Helper()
	file, err := fsys.Create(path)
	must(t, err)
	_, err = file.WriteAt(content, 0)
	must(t, err)
	return file
}

func read(t *testing.T, fsys FS, path string) []byte {
	t.Helper()
	file, err := fsys.OpenRead(path)
	must(t, err)
	size, err := file.Size()
	must(t, err)
	content := make([]byte, size)
	if _, err := file.ReadAt(content, 0); size > 0 && err != nil {
		t.Fatal(err)
	}
	must(t, file.Close())
	return content
}

func TestFileReadsWhatWasWritten(t *testing.T) {
	forEachFS(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		must(t, fsys.MkdirAll(dir))
		path := filepath.Join(dir, "x")
		file := create(t, fsys, path, []byte("hello"))
		_, err := file.WriteAt([]byte("world"), 600)
		must(t, err)
		must(t, file.SyncData())
		must(t, file.DropCache())
		must(t, file.Sync())
		want := append(append([]byte("hello"), make([]byte, 595)...), "world"...)
		if got := read(t, fsys, path); !bytes.Equal(got, want) {
			t.Fatalf("got %q", got)
		}
		n, err := file.ReadAt(make([]byte, 10), 600)
		if n != 5 || !errors.Is(err, io.EOF) {
			t.Fatalf("read at the end: %d, %v", n, err)
		}
		must(t, file.Truncate(3))
		must(t, file.Truncate(6))
		if got := read(t, fsys, path); !bytes.Equal(got, []byte("hel\x00\x00\x00")) {
			t.Fatalf("after truncation %q", got)
		}
		must(t, file.Close())
		if _, err := file.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
			t.Fatalf("read after close: %v", err)
		}
	})
}

func TestNames(t *testing.T) {
	forEachFS(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		for _, name := range []string{"b", "a", "c"} {
			must(t, create(t, fsys, filepath.Join(dir, name), []byte(name)).Close())
		}
		if _, err := fsys.Create(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("created twice: %v", err)
		}
		must(t, fsys.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
		must(t, fsys.Remove(filepath.Join(dir, "c")))
		must(t, fsys.SyncDir(dir))
		names, err := fsys.ReadDir(dir)
		must(t, err)
		if !slices.Equal(names, []string{"b"}) || string(read(t, fsys, filepath.Join(dir, "b"))) != "a" {
			t.Fatalf("names %q", names)
		}
		for what, err := range map[string]error{
			"open":    second(fsys.Open(filepath.Join(dir, "c"))),
			"create":  second(fsys.Create(filepath.Join(dir, "d", "e"))),
			"remove":  fsys.Remove(filepath.Join(dir, "c")),
			"rename":  fsys.Rename(filepath.Join(dir, "c"), filepath.Join(dir, "d")),
			"readdir": second(fsys.ReadDir(filepath.Join(dir, "d"))),
			"syncdir": fsys.SyncDir(filepath.Join(dir, "d")),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of what is missing: %v", what, err)
			}
		}
		if fsys.Remove(dir) == nil {
			t.Error("removed a folder that is not empty")
		}
		must(t, fsys.Remove(filepath.Join(dir, "b")))
		must(t, fsys.SyncDir(dir))
		must(t, fsys.Remove(dir))
	})
}

func second[T any](_ T, err error) error { return err }

func TestOpenReadRefusesWrites(t *testing.T) {
	forEachFS(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		path := filepath.Join(dir, "x")
		must(t, create(t, fsys, path, []byte("x")).Close())
		file, err := fsys.OpenRead(path)
		must(t, err)
		if _, err := file.WriteAt([]byte("y"), 0); err == nil {
			t.Error("written through a handle for reading")
		}
		must(t, file.Close())
	})
}

func TestLockIsExclusive(t *testing.T) {
	forEachFS(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		path := filepath.Join(dir, "lock")
		lock, err := fsys.Lock(path)
		must(t, err)
		if _, err := fsys.Lock(path); !errors.Is(err, ErrLocked) {
			t.Fatalf("second lock: %v", err)
		}
		must(t, lock.Close())
		lock, err = fsys.Lock(path)
		must(t, err)
		must(t, lock.Close())
	})
}

func TestMkdirAllOverFile(t *testing.T) {
	forEachFS(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		path := filepath.Join(dir, "x")
		must(t, create(t, fsys, path, nil).Close())
		if fsys.MkdirAll(path) == nil {
			t.Error("a folder in the place of a file")
		}
	})
}

func TestLockTable(t *testing.T) {
	var table lockTable
	first, err := table.lock("x")
	must(t, err)
	if _, err := table.lock("x"); !errors.Is(err, ErrLocked) {
		t.Fatalf("second lock: %v", err)
	}
	must(t, first.Close())
	second, err := table.lock("x")
	must(t, err)
	must(t, first.Close()) // Closing again must not take the lock from its new holder.
	if _, err := table.lock("x"); !errors.Is(err, ErrLocked) {
		t.Fatalf("after a double close: %v", err)
	}
	must(t, second.Close())
}
