// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// unfinished are disks on which an Open has something to do, and what the log has there.
func unfinished(t testing.TB) map[string]*rotten {
	t.Helper()
	torn := rottenTail(t, true)
	unsealed := rottenFresh(t)
	seal := unsealed.disk
	content := readFile(t, seal, segmentPath(testDir, segmentNumber(t, unsealed.last)-1))
	overwrite(t, seal, segmentPath(testDir, segmentNumber(t, unsealed.last)-1), make([]byte, 512), len(content)-512)
	nameless := rottenTail(t, false)
	must(t, nameless.disk.Remove(testDir+"/"+identityName))
	replaceFile(t, nameless.disk, testDir+"/"+numberedName(9999, spareSuffix), []byte("of another size"))
	replaceFile(t, nameless.disk, testDir+"/"+numberedName(9998, spareSuffix)+tempSuffix, []byte("unfinished"))
	return map[string]*rotten{
		"torn": torn, "not sealed": unsealed, "no identity": nameless, "full": tornLast(t, 1, true), "large and full": tornLast(t, 140, true), "large": tornLast(t, 140, false),
	}
}

// tornLast has one segment, so many times as large as the smallest, of which the last
// batch is torn, which fills it to its end or has lost its header.
func tornLast(t testing.TB, times int, isFull bool) *rotten {
	t.Helper()
	options := testOptions(nil)
	options.SegmentBytes = times * segmentBytesMin
	disk := vfs.NewMem()
	options.FS = disk
	l := mustOpen(t, options)
	u := wire.Update{Group: 1, Entries: entries(1, 1, "first")}
	must(t, l.Save([]wire.Update{u}))
	m := make(model)
	m.apply(u)
	size, damage := filling(l.room()/512), 1024
	if !isFull {
		size, damage = 2000, 0
	}
	u = wire.Update{Group: 1, Entries: entries(1, 2, strings.Repeat("x", size))}
	at, path := l.tail.end, l.index.active().path
	must(t, l.Save([]wire.Update{u}))
	if isFull && l.room() > 0 {
		t.Fatalf("there is room for %d bytes", l.room())
	}
	torn := disk.CrashClone(vfs.LoseAll)
	flipBit(t, torn, path, int(at)+damage)
	must(t, l.Close())
	options.FS = nil
	return &rotten{options: options, disk: torn, whole: m.String()}
}

// Every operation of an Open that has something to repair fails once, or for ever from
// then on. It is reported, or does not matter; and the next Open is as if there had been
// no other.
func TestFaultInRecovery(t *testing.T) {
	for name, r := range unfinished(t) {
		t.Run(name, func(t *testing.T) {
			want := []state{{text: r.whole}}
			for n := 1; ; n += 1 + thinning/4 {
				isHit := false
				for _, decide := range []func(vfs.Op) vfs.Fault{
					vfs.Once(n, vfs.OpAny, vfs.Fault{Err: errDisk}),
					vfs.From(n, vfs.OpAny, vfs.Fault{Err: errDisk}),
					vfs.Once(n, vfs.OpSync, vfs.Fault{Err: errDisk, LoseUnsynced: true}),
					vfs.Once(n, vfs.OpWrite, vfs.Fault{Err: errNoSpace, ShortBytes: 100}),
				} {
					f := newFaulty(t, name, r.options, decide)
					f.disk = r.disk.CrashClone(vfs.LoseAll)
					options := r.options
					options.FS = vfs.Faulty(f.disk, func(op vfs.Op) vfs.Fault {
						fault := f.decide(op)
						f.isHit = f.isHit || fault.Err != nil
						return fault
					})
					l, err := Open(options)
					if err == nil {
						err = l.Close()
					}
					if err != nil {
						f.requireOpenError(err)
					}
					f.check(want)
					isHit = isHit || f.isHit
				}
				if !isHit {
					break
				}
			}
		})
	}
}

// A spare is synced in pieces. None of that may fail unnoticed.
func TestFaultInLargeSpare(t *testing.T) {
	for n := 1; n <= 3; n++ {
		options := testOptions(vfs.Faulty(vfs.NewMem(), vfs.Once(n, vfs.OpSync, vfs.Fault{Err: errDisk})))
		options.SegmentBytes = 2 * zeroSyncBytes
		if _, err := Open(options); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "make spare") {
			t.Errorf("sync %d: %v", n, err)
		}
	}
}

func TestFolderWithoutPermission(t *testing.T) {
	_, err := Open(testOptions(vfs.Faulty(vfs.NewMem(), vfs.Once(1, vfs.OpLock, vfs.Fault{Err: fs.ErrPermission}))))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "check its owner and permissions") {
		t.Errorf("got %v", err)
	}
}

// stubbornFS is a file system of which a lock cannot be given back.
type stubbornFS struct{ vfs.FS }

type stubbornLock struct{ io.Closer }

func (f stubbornFS) Lock(path string) (io.Closer, error) {
	lock, err := f.FS.Lock(path)
	return stubbornLock{lock}, err
}

func (l stubbornLock) Close() error { return errors.Join(errDisk, l.Closer.Close()) }

func TestLockThatCannotBeGivenBack(t *testing.T) {
	l := mustOpen(t, testOptions(stubbornFS{vfs.NewMem()}))
	if err := l.Close(); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "unlock folder") {
		t.Errorf("got %v", err)
	}
}
