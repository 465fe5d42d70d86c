// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// The whole life of a snapshot with real files, and blocks of the usual size.
func TestOnTheOperatingSystem(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "snapshots")
	options := testOptions(vfs.OS())
	options.BlockBytes, options.SyncBytes = 0, 1<<20
	open := func() *Store {
		t.Helper()
		s, err := Open(dir, options)
		must(t, err)
		return s
	}
	s := open()
	first, second := sampleOf(1, 5, 3<<20+77), sampleOf(1, 9, 1000)
	_, err := s.Begin(1, first.meta)
	must(t, err)
	must(t, first.write(s, 0, 2<<20+5))
	if _, err := Open(dir, options); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	must(t, s.Close())
	s = open()
	held, err := s.Begin(1, first.meta)
	must(t, err)
	if held != 2<<20 {
		t.Errorf("Begin has %d bytes", held)
	}
	must(t, first.finish(s))
	must(t, second.finish(s))
	requireShown(t, s, 1, second, first)
	must(t, s.Close())
	s = open()
	requireShown(t, s, 1, second, first)

	path := filepath.Join(dir, fileName{1, first.meta.ID, publishedSuffix}.String())
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = file.WriteAt([]byte("rotten"), 1<<20)
	must(t, errors.Join(err, file.Close()))
	if n, err := s.ReadAt(1, first.meta.ID, make([]byte, 3<<20), 0); !errors.Is(err, ErrDamaged) || n != 3*256<<10 {
		t.Errorf("read %d bytes, %v", n, err)
	}
	requireShown(t, s, 1, second)
	must(t, s.Delete(1, second.meta.ID))
	must(t, first.finish(s))
	requireShown(t, s, 1, first)
	must(t, s.Close())
	found, err := vfs.OS().ReadDir(dir)
	must(t, err)
	want := []string{fileName{1, first.meta.ID, damagedSuffix}.String(), filepath.Base(path), lockName}
	if !slices.Equal(found, want) {
		t.Errorf("the folder has %v, want %v", found, want)
	}
}

// BenchmarkWrite and BenchmarkRead move 64 MiB, with files that were just written.
func BenchmarkWrite(b *testing.B) {
	s, _ := benchStore(b)
	piece := make([]byte, 256<<10)
	b.SetBytes(benchBytes)
	for i := 0; b.Loop(); i++ {
		benchTake(b, s, wire.Index(i+1), piece)
		must(b, s.Delete(1, sampleOf(1, wire.Index(i+1), 0).meta.ID))
	}
	must(b, s.Close())
}

const benchBytes = 64 << 20

func benchStore(b *testing.B) (*Store, string) {
	b.Helper()
	options := testOptions(vfs.OS())
	options.BlockBytes, options.SyncBytes = 0, 0
	dir := b.TempDir()
	s, err := Open(dir, options)
	must(b, err)
	return s, dir
}

func benchTake(b *testing.B, s *Store, index wire.Index, piece []byte) {
	b.Helper()
	p := sampleOf(1, index, 0)
	_, err := s.Begin(1, p.meta)
	must(b, err)
	for offset := uint64(0); offset < benchBytes; offset += uint64(len(piece)) {
		must(b, s.Write(1, p.meta.ID, offset, piece))
	}
	w, err := s.group(1).writing(p.meta.ID)
	must(b, err)
	must(b, s.Publish(1, p.meta.ID, benchBytes, w.sum))
}

func BenchmarkRead(b *testing.B) {
	for _, pieceBytes := range []int{16 << 10, 256 << 10, 1 << 20} {
		b.Run(fmt.Sprint(pieceBytes>>10, "KiB"), func(b *testing.B) {
			s, _ := benchStore(b)
			piece := make([]byte, pieceBytes)
			benchTake(b, s, 1, piece)
			b.SetBytes(benchBytes)
			b.ReportAllocs()
			for b.Loop() {
				for offset := uint64(0); offset < benchBytes; offset += uint64(pieceBytes) {
					if _, err := s.ReadAt(1, sampleOf(1, 1, 0).meta.ID, piece, offset); err != nil && err != io.EOF {
						b.Fatal(err)
					}
				}
			}
			must(b, s.Close())
		})
	}
}
