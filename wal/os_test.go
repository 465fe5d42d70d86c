// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

func osOptions(t testing.TB) Options {
	t.Helper()
	options := testOptions(vfs.OS())
	options.Dir = filepath.Join(t.TempDir(), "new", "log")
	options.SegmentBytes = 64 << 10
	options.Synchronous = false
	return options
}

func TestOnTheOperatingSystem(t *testing.T) {
	options := osOptions(t)
	h := randomHistory(31, 100, 4)
	l := mustOpen(t, options)
	for i, updates := range h.saves {
		must(t, l.Save(updates))
		requireString(t, l, h.states[i+1])
		if i%20 == 0 {
			if _, err := Open(options); !errors.Is(err, ErrLocked) {
				t.Fatalf("second open: %v", err)
			}
			must(t, l.Close())
			l = mustOpen(t, options)
			requireString(t, l, h.states[i+1])
		}
	}
	must(t, l.Close())
}

// Saving changes no file's size, and makes no file once there are enough.
func TestSavesChangeNoSizes(t *testing.T) {
	options := osOptions(t)
	options.Synchronous = true
	l := mustOpen(t, options)
	sizes := func() string {
		names, err := options.FS.ReadDir(options.Dir)
		must(t, err)
		all := ""
		for _, name := range names {
			file, err := options.FS.OpenRead(filepath.Join(options.Dir, name))
			must(t, err)
			size, err := file.Size()
			must(t, err)
			must(t, file.Close())
			all += fmt.Sprintln(name, size)
		}
		return all
	}
	before := sizes()
	for i := range wire.Index(40) {
		saveOne(t, l, 1, i+1, 10)
	}
	if after := sizes(); after != before {
		t.Errorf("the folder had\n%sand has\n%s", before, after)
	}
	must(t, l.Close())
	if after := sizes(); after != before {
		t.Errorf("the folder had\n%sand has\n%s", before, after)
	}
}

// Readers see what was saved, whole, while the log is written, compacted and recycled.
func TestReadersWhileSaving(t *testing.T) {
	options := osOptions(t)
	options.SegmentBytes = segmentBytesMin
	l := mustOpen(t, options)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := readSome(l); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range wire.Index(400) {
		saveOne(t, l, 1, i+1, 12)
	}
	close(stop)
	readers.Wait()
	must(t, l.Close())
}

func readSome(l *Log) error {
	state, err := l.Load(1)
	if err != nil || state.Last == state.Compacted.Index {
		return err
	}
	found, err := l.Entries(1, state.Compacted.Index+1, state.Last, 5000)
	if errors.Is(err, ErrNotFound) {
		return nil // Compacted in the meantime.
	}
	if err != nil {
		return err
	}
	for i, e := range found {
		if e.Index != state.Compacted.Index+1+wire.Index(i) || string(e.Data) != strings.Repeat("x", 900) {
			return fmt.Errorf("entry %v at %d", e.ID(), i)
		}
	}
	return nil
}

// Close waits for readers, and nothing happens after it.
func TestCloseWhileReading(t *testing.T) {
	for range 20 {
		options := testOptions(vfs.NewMem())
		options.Synchronous = false
		l := mustOpen(t, options)
		saveOne(t, l, 1, 1, 10)
		done := make(chan error)
		go func() {
			for {
				if _, err := l.Entries(1, 1, 1, 10); err != nil {
					done <- err
					return
				}
			}
		}()
		must(t, l.Close())
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Fatalf("the reader got %v", err)
		}
	}
}
