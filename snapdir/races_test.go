// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Delete waits for who is reading, and afterwards there is nothing to be read.
func TestDeleteWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, release := make(chan struct{}), make(chan struct{})
		decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
		disk := vfs.NewMem()
		s := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
		must(t, sampleA.finish(s))
		must(t, sampleB.finish(s))
		decide = vfs.Once(3, vfs.OpRead, vfs.Fault{Stall: func() {
			close(begun)
			<-release
		}})
		read, deleted := make(chan error, 1), make(chan error, 1)
		buf := make([]byte, 1300)
		go func() {
			_, err := s.ReadAt(1, sampleA.meta.ID, buf, 0)
			read <- err
		}()
		<-begun
		go func() { deleted <- s.Delete(1, sampleA.meta.ID) }()
		synctest.Wait()
		if len(deleted) > 0 {
			t.Error("deleted while somebody reads")
		}
		if _, err := s.ReadAt(1, sampleA.meta.ID, make([]byte, 10), 0); !errors.Is(err, ErrNotFound) {
			t.Errorf("a read while it is being deleted gives %v", err)
		}
		requireShown(t, s, 1, sampleB)
		close(release)
		if err := <-read; err != io.EOF || !bytes.Equal(buf, sampleA.data) {
			t.Errorf("the read gives %v", err)
		}
		must(t, <-deleted)
		must(t, s.Close())
		if _, err := disk.OpenRead(pathOf(&sampleA, publishedSuffix)); err == nil {
			t.Error("the file is still there")
		}
	})
}

// Many read snapshots that come and go, more than there are files open, while some turn out
// to be damaged: whatever is read is right.
func TestReadersBesideWriters(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	const groups, rounds = 6, 40
	var ended atomic.Bool
	var writers, readers sync.WaitGroup
	for group := range wire.GroupID(groups) {
		writers.Go(func() {
			if err := writeMany(s, disk, group+1, rounds); err != nil {
				t.Errorf("group %d: %v", group+1, err)
			}
		})
	}
	for reader := range uint64(4) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(reader, 1))
			for !ended.Load() {
				if err := readOne(s, random, wire.GroupID(1+random.IntN(groups))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	ended.Store(true)
	readers.Wait()
	must(t, s.Close())
	s = mustOpen(t, testOptions(disk))
	for group := range wire.GroupID(groups) {
		requireShown(t, s, group+1, sampleOf(group+1, rounds, 1300))
	}
	must(t, s.Close())
}

func writeMany(s *Store, disk *vfs.Mem, group wire.GroupID, rounds wire.Index) error {
	for index := wire.Index(1); index <= rounds; index++ {
		p := sampleOf(group, index, 1300)
		if err := p.finish(s); err != nil {
			return err
		}
		if index%7 == 0 { // It rots, is found so by whoever reads it, and is made once more.
			file, err := disk.Open(pathOf(&p, publishedSuffix))
			if err != nil {
				return err
			}
			if _, err := file.WriteAt([]byte("rotten"), 900); err != nil {
				return err
			}
			if _, err := s.ReadAt(group, p.meta.ID, make([]byte, 1300), 0); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("what is rotten gives %w", err)
			}
			if err := p.finish(s); err != nil {
				return err
			}
		}
		if err := s.Delete(group, sampleOf(group, index-1, 0).meta.ID); err != nil {
			return err
		}
	}
	return nil
}

func readOne(s *Store, random *rand.Rand, group wire.GroupID) error {
	list, err := s.List(group)
	if err != nil || len(list) == 0 {
		return err
	}
	meta := list[random.IntN(len(list))]
	want := sampleOf(group, meta.Last.Index, 1300).data
	buf := make([]byte, 1+random.IntN(1300))
	offset := random.IntN(1300)
	n, err := s.ReadAt(group, meta.ID, buf, uint64(offset))
	if err != nil && err != io.EOF && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDamaged) {
		return err
	}
	if !bytes.HasPrefix(want[offset:], buf[:n]) {
		return fmt.Errorf("%d bytes at %d of %v are wrong, error %v", n, offset, meta.ID, err)
	}
	return nil
}

// Close waits for readers, and nothing happens after it.
func TestCloseWhileReading(t *testing.T) {
	for range 20 {
		s := mustOpen(t, testOptions(vfs.NewMem()))
		must(t, sampleA.finish(s))
		done := make(chan error)
		go func() {
			for {
				if _, err := s.ReadAt(1, sampleA.meta.ID, make([]byte, 10), 0); err != nil {
					done <- err
					return
				}
			}
		}()
		must(t, s.Close())
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Fatalf("the reader got %v", err)
		}
	}
}

// stalling makes reads of whole blocks wait for release, once stall was called; started gets a value for each.
func stalling(disk *vfs.Mem) (options Options, stall func(), started, release chan struct{}) {
	started, release = make(chan struct{}, 100), make(chan struct{})
	var stalls atomic.Bool
	options = testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if op.Kind != vfs.OpRead || op.Bytes != blockSumBytes+blockBytesMin || !stalls.Load() {
			return vfs.Fault{}
		}
		return vfs.Fault{Stall: func() {
			started <- struct{}{}
			<-release
		}}
	}))
	return options, func() { stalls.Store(true) }, started, release
}

// More files are open while more are being read, and no longer.
func TestFilesOpenAtOnce(t *testing.T) {
	const files = filesOpenMax + 3
	options, stall, started, release := stalling(vfs.NewMem())
	s := mustOpen(t, options)
	for i := range wire.Index(files) {
		p := sampleOf(1, 1+i, 1300)
		must(t, p.finish(s))
	}
	stall()
	var readers sync.WaitGroup
	for i := range wire.Index(files) {
		readers.Go(func() {
			if _, err := s.ReadAt(1, sampleOf(1, 1+i, 0).meta.ID, make([]byte, 1300), 0); err != io.EOF {
				t.Error(err)
			}
		})
	}
	for range files {
		<-started
	}
	close(release)
	readers.Wait()
	if n := len(s.files.open); n != filesOpenMax {
		t.Errorf("%d files are open", n)
	}
	must(t, s.Close())
}

// Two come upon the same damage at the same time: one sets the file aside.
func TestDamageIsFoundTwice(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	file[len(file)-40] ^= 1
	replaceFile(t, disk, pathOf(&samples[1], publishedSuffix), file)
	var log journal
	options, stall, started, release := stalling(disk)
	options.Logger = log.logger()
	s := mustOpen(t, options)
	stall()
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			if _, err := s.ReadAt(1, samples[1].meta.ID, make([]byte, 1300), 0); !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
		})
	}
	<-started
	<-started
	close(release)
	readers.Wait()
	if log.count("level=WARN") != 1 || log.count("level=ERROR") != 0 {
		t.Errorf("the log has %s", &log.text)
	}
	requireShown(t, s, 1, samples[0])
	must(t, s.Close())
}

// While a damaged file is being set aside, the same snapshot is made once more: the new file
// is not taken for the old one.
func TestAsideBesidePublish(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	file[len(file)-40] ^= 1
	replaceFile(t, disk, pathOf(&samples[1], publishedSuffix), file)
	stalled, closed, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		switch {
		case op.Kind == vfs.OpRename && strings.HasSuffix(op.Path, publishedSuffix):
			return vfs.Fault{Stall: func() {
				close(stalled)
				<-release
			}}
		case op.Kind == vfs.OpClose && strings.HasSuffix(op.Path, unfinishedSuffix):
			return vfs.Fault{Stall: func() { close(closed) }}
		}
		return vfs.Fault{}
	})))
	done := make(chan error, 2)
	go func() { done <- second(s.ReadAt(1, samples[1].meta.ID, make([]byte, 1300), 0)) }()
	<-stalled
	go func() { done <- samples[1].finish(s) }()
	<-closed // It is about to be given its name.
	for range 1000 {
		runtime.Gosched()
	}
	close(release)
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	}
	requireShown(t, s, 1, samples[1], samples[0])
	must(t, s.Close())
	s = mustOpen(t, testOptions(disk))
	requireShown(t, s, 1, samples[1], samples[0])
	must(t, s.Close())
}
