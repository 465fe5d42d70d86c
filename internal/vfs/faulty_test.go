// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"bytes"
	"errors"
	"testing"
)

var (
	errDisk    = errors.New("input/output error")
	errNoSpace = errors.New("no space left")
)

func TestFaultOfEveryOperation(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		kind OpKind
		do   func(fsys FS, file File) error
	}{
		"mkdir":    {OpMkdir, func(fsys FS, _ File) error { return fsys.MkdirAll("/e") }},
		"create":   {OpCreate, func(fsys FS, _ File) error { return second(fsys.Create("/d/g")) }},
		"open":     {OpOpen, func(fsys FS, _ File) error { return second(fsys.Open("/d/f")) }},
		"openread": {OpOpen, func(fsys FS, _ File) error { return second(fsys.OpenRead("/d/f")) }},
		"readdir":  {OpReadDir, func(fsys FS, _ File) error { return second(fsys.ReadDir("/d")) }},
		"rename":   {OpRename, func(fsys FS, _ File) error { return fsys.Rename("/d/f", "/d/h") }},
		"remove":   {OpRemove, func(fsys FS, _ File) error { return fsys.Remove("/d/f") }},
		"syncdir":  {OpSyncDir, func(fsys FS, _ File) error { return fsys.SyncDir("/d") }},
		"lock":     {OpLock, func(fsys FS, _ File) error { return second(fsys.Lock("/d/l")) }},
		"read":     {OpRead, func(_ FS, file File) error { return second(file.ReadAt(make([]byte, 1), 0)) }},
		"write":    {OpWrite, func(_ FS, file File) error { return second(file.WriteAt([]byte("y"), 0)) }},
		"syncdata": {OpSync, func(_ FS, file File) error { return file.SyncData() }},
		"sync":     {OpSync, func(_ FS, file File) error { return file.Sync() }},
		"drop":     {OpDropCache, func(_ FS, file File) error { return file.DropCache() }},
		"truncate": {OpTruncate, func(_ FS, file File) error { return file.Truncate(9) }},
		"size":     {OpSize, func(_ FS, file File) error { return second(file.Size()) }},
		"close":    {OpClose, func(_ FS, file File) error { return file.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			mem := NewMem()
			must(t, mem.MkdirAll("/d"))
			must(t, create(t, mem, "/d/f", []byte("x")).Close())
			decide := func(Op) Fault { return Fault{} }
			fsys := Faulty(mem, func(op Op) Fault { return decide(op) })
			file, err := fsys.Open("/d/f")
			must(t, err)
			decide = Once(1, test.kind, Fault{Err: boom})
			if err := test.do(fsys, file); !errors.Is(err, boom) {
				t.Fatalf("got %v", err)
			}
			if got := fsys.Ops(); got != 2 {
				t.Errorf("%d operations", got)
			}
			if got := read(t, mem, "/d/f"); string(got) != "x" {
				t.Errorf("the operation was done: %q", got)
			}
		})
	}
}

func TestOnceAndFrom(t *testing.T) {
	for name, test := range map[string]struct {
		decide func(Op) Fault
		want   string
	}{
		"once": {Once(2, OpWrite|OpSync, Fault{Err: errDisk}), ".-."},
		"from": {From(2, OpWrite|OpSync, Fault{Err: errDisk}), ".--"},
	} {
		got := ""
		for _, kind := range []OpKind{OpWrite, OpRead, OpSync, OpWrite} {
			failed := test.decide(Op{Kind: kind}).Err != nil
			switch {
			case kind == OpRead && failed:
				t.Errorf("%s: a fault of another kind", name)
			case kind == OpRead:
			case failed:
				got += "-"
			default:
				got += "."
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestShortWrite(t *testing.T) {
	mem := NewMem()
	must(t, mem.MkdirAll("/d"))
	fsys := Faulty(mem, Once(1, OpWrite, Fault{Err: errNoSpace, ShortBytes: 3}))
	file, err := fsys.Create("/d/f")
	must(t, err)
	n, err := file.WriteAt([]byte("hello"), 0)
	if n != 3 || !errors.Is(err, errNoSpace) || string(read(t, mem, "/d/f")) != "hel" {
		t.Errorf("wrote %d, %v", n, err)
	}
}

func TestFlipBit(t *testing.T) {
	mem := NewMem()
	must(t, mem.MkdirAll("/d"))
	must(t, create(t, mem, "/d/f", []byte{0, 0}).Close())
	file, err := Faulty(mem, Once(1, OpRead, Fault{FlipBit: 11})).Open("/d/f")
	must(t, err)
	for _, want := range [][]byte{{0, 4}, {0, 0}} {
		got := make([]byte, 2)
		_, err := file.ReadAt(got, 0)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("read %v, want %v", got, want)
		}
	}
}

func TestStall(t *testing.T) {
	mem := NewMem()
	must(t, mem.MkdirAll("/d"))
	begun, release := make(chan struct{}), make(chan struct{})
	stall := func() {
		close(begun)
		<-release
	}
	fsys := Faulty(mem, Once(1, OpSync, Fault{Stall: stall}))
	file, err := fsys.Create("/d/f")
	must(t, err)
	done := make(chan error)
	go func() { done <- file.Sync() }()
	<-begun
	_, err = file.WriteAt([]byte("x"), 0) // Nothing else stalls.
	must(t, err)
	close(release)
	must(t, <-done)
}

// A failed sync on Linux marks the pages clean: a second sync succeeds and the
// data is not on the disk.
func TestFailedSyncLosesWrites(t *testing.T) {
	mem := crashed(t)
	fsys := Faulty(mem, Once(1, OpSync, Fault{Err: errDisk, LoseUnsynced: true}))
	file, err := fsys.Open("/d/f")
	must(t, err)
	if file.Sync() == nil {
		t.Fatal("no fault")
	}
	must(t, file.Sync())
	if got := read(t, fsys, "/d/f")[0]; got != 'b' {
		t.Errorf("the cache has %c", got)
	}
	if got := read(t, mem.CrashClone(KeepAll), "/d/f")[0]; got != 'o' {
		t.Errorf("the disk has %c", got)
	}
	must(t, file.DropCache())
	if got := read(t, fsys, "/d/f")[0]; got != 'o' {
		t.Errorf("without the cache it is %c", got)
	}
}
