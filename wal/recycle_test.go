// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// saveOne saves an entry of 900 bytes and compacts those older than keep.
func saveOne(t testing.TB, l *Log, group wire.GroupID, index, keep wire.Index) {
	t.Helper()
	u := wire.Update{Group: group, Entries: entries(1, index, strings.Repeat("x", 900))}
	if index > keep {
		u.Compact = index - keep
	}
	must(t, l.Save([]wire.Update{u}))
}

// Segments that nothing needs become the new ones: no file is made any more.
func TestSegmentsAreRecycled(t *testing.T) {
	creates, removes := 0, 0
	fsys := vfs.Faulty(vfs.NewMem(), func(op vfs.Op) vfs.Fault {
		switch op.Kind {
		case vfs.OpCreate:
			creates++
		case vfs.OpRemove:
			removes++
		}
		return vfs.Fault{}
	})
	l := mustOpen(t, testOptions(fsys))
	for i := range wire.Index(1000) {
		saveOne(t, l, 1, i+1, 10)
		if i == 100 {
			creates, removes = 0, 0
		}
		if n := len(l.index.segments); n > 4 {
			t.Fatalf("%d segments", n)
		}
	}
	if creates > 0 || removes > 0 || l.index.active().number < 100 {
		t.Errorf("%d files made, %d removed, %d segments", creates, removes, l.index.active().number)
	}
	must(t, l.Close())
	l = mustOpen(t, testOptions(fsys))
	state, err := l.Load(1)
	must(t, err)
	if state.Last != 1000 || state.Compacted.Index != 990 {
		t.Errorf("last %d, compacted %v", state.Last, state.Compacted)
	}
	must(t, l.Close())
}

// One group that compacts at once everything lets many segments go; only so many
// are kept.
func TestSparesAreBounded(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	for i := range wire.Index(150) {
		saveOne(t, l, 1, i+1, 1000)
	}
	if n := len(l.index.segments); n < 15 {
		t.Fatalf("%d segments", n)
	}
	saveOne(t, l, 1, 151, 1)
	f, err := readFolder(disk, testDir)
	must(t, err)
	if len(f.segments) > 2 || len(f.spares) != sparesMax {
		t.Errorf("%d segments and %d spares are left", len(f.segments), len(f.spares))
	}
	must(t, l.Close())
}

// A group that needs an old entry keeps its segment and all later ones, if it is too
// large to be moved forward.
func TestOldEntryKeepsSegments(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	old := strings.Repeat("o", segmentBytesMin/forwardShare)
	must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(5, 1, old)}}))
	for i := range wire.Index(50) {
		saveOne(t, l, 1, i+1, 1)
	}
	if got := segmentNumbers(t, disk); got[0] != 1 {
		t.Fatalf("segments %v", got)
	}
	found, err := l.Entries(2, 1, 1, 1000)
	must(t, err)
	if len(found) != 1 || string(found[0].Data) != old {
		t.Errorf("found %v", found)
	}
	must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(6, 1, "new")}})) // Replaces it.
	if got := segmentNumbers(t, disk); got[0] == 1 {
		t.Errorf("segments %v", got)
	}
	must(t, l.Close())
	l = mustOpen(t, testOptions(disk))
	found, err = l.Entries(2, 1, 1, 1000)
	must(t, err)
	if len(found) != 1 || string(found[0].Data) != "new" {
		t.Errorf("found %v", found)
	}
	must(t, l.Close())
}

// A reader's segment is not disposed of under it, though nothing else needs it.
func TestReaderKeepsItsSegment(t *testing.T) {
	disk := vfs.NewMem()
	begun, release := make(chan struct{}), make(chan struct{})
	decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
	l := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
	for i := range wire.Index(30) {
		saveOne(t, l, 1, i+1, 1000)
	}
	decide = vfs.Once(1, vfs.OpRead, vfs.Fault{Stall: func() {
		close(begun)
		<-release
	}})
	type result struct {
		entries []wire.Entry
		err     error
	}
	done := make(chan result)
	go func() {
		found, err := l.Entries(1, 1, 20, 1<<20)
		done <- result{found, err}
	}()
	<-begun
	for i := wire.Index(30); i < 90; i++ {
		saveOne(t, l, 1, i+1, 1)
	}
	if got := segmentNumbers(t, disk); got[0] != 1 {
		t.Errorf("segments %v", got)
	}
	close(release)
	if r := <-done; r.err != nil || len(r.entries) != 20 {
		t.Errorf("%d entries, %v", len(r.entries), r.err)
	}
	saveOne(t, l, 1, 91, 1)
	if got := segmentNumbers(t, disk); got[0] == 1 {
		t.Errorf("segments %v", got)
	}
	must(t, l.Close())
}

// What cannot be disposed of stays, and so does everything newer: no gap may arise.
func TestDisposalThatFails(t *testing.T) {
	for name, kind := range map[string]vfs.OpKind{"rename": vfs.OpRename, "sync": vfs.OpSyncDir} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMem()
			decide := func(vfs.Op) vfs.Fault { return vfs.Fault{} }
			l := mustOpen(t, testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault { return decide(op) })))
			for i := range wire.Index(30) {
				saveOne(t, l, 1, i+1, 1000)
			}
			once, isDisposing := vfs.Once(1, kind, vfs.Fault{Err: errDisk}), false
			decide = func(op vfs.Op) vfs.Fault {
				isDisposing = isDisposing || op.Kind == vfs.OpRename && strings.HasSuffix(op.Path, segmentSuffix)
				if isDisposing {
					return once(op)
				}
				return vfs.Fault{}
			}
			saveOne(t, l, 1, 31, 1)
			if !l.spares.refused {
				t.Error("goes on disposing of segments")
			}
			for i := wire.Index(31); i < 60; i++ {
				saveOne(t, l, 1, i+1, 1)
			}
			numbers := segmentNumbers(t, disk.CrashClone(vfs.LoseAll))
			// The folder's next sync, of the next roll, may make the renaming durable.
			if first, last := numbers[0], numbers[len(numbers)-1]; first > 2 || len(numbers) != int(last-first+1) {
				t.Errorf("segments %v", numbers)
			}
			want, err := contents(l)
			must(t, err)
			must(t, l.Close())
			after := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{want}}
			after.check(t, testOptions(nil))
			if got := segmentNumbers(t, after.disk); got[0] <= 2 {
				t.Errorf("after the restart the segments are %v", got)
			}
		})
	}
}

func TestWrongOwner(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	saveOne(t, l, 1, 1, 1)
	must(t, l.Close())
	withoutIdentity := disk.CrashClone(vfs.LoseAll)
	must(t, withoutIdentity.Remove(testDir+"/"+identityName))
	for name, fsys := range map[string]*vfs.Mem{"by identity": disk, "by segment": withoutIdentity} {
		options := testOptions(fsys)
		options.Node = 8
		_, err := Open(options)
		if !errors.Is(err, ErrWrongNode) || !strings.Contains(err.Error(), "belongs to node 7, this is node 8") {
			t.Errorf("%s: %v", name, err)
		}
		options = testOptions(fsys)
		options.Cluster[15] = 0xee
		_, err = Open(options)
		if !errors.Is(err, ErrWrongCluster) || !strings.Contains(err.Error(), options.Cluster.String()) ||
			!strings.Contains(err.Error(), testOptions(nil).Cluster.String()) {
			t.Errorf("%s: %v", name, err)
		}
		l := mustOpen(t, testOptions(fsys))
		must(t, l.Close())
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	options := testOptions(vfs.NewMem())
	l := mustOpen(t, options)
	if _, err := Open(options); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), testDir) {
		t.Errorf("got %v", err)
	}
	saveOne(t, l, 1, 1, 1)
	must(t, l.Close())
	l = mustOpen(t, options)
	must(t, l.Close())
}

func TestUnknownVersionIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	must(t, l.Close())
	for _, name := range []string{identityName, "0000000001" + segmentSuffix} {
		changed := disk.CrashClone(vfs.LoseAll)
		content := readFile(t, changed, testDir+"/"+name)
		le.PutUint32(content[8:], formatVersion+1)
		size := fileHeaderBytes
		if name == identityName {
			size = identityBytes
		}
		putFileSum(content[:size])
		replaceFile(t, changed, testDir+"/"+name, content)
		if _, err := Open(testOptions(changed)); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"Dir":          func(o *Options) { o.Dir = "" },
		"Cluster":      func(o *Options) { o.Cluster = wire.ClusterID{} },
		"Node":         func(o *Options) { o.Node = 0 },
		"BlockBytes":   func(o *Options) { o.BlockBytes = 1000 },
		"SegmentBytes": func(o *Options) { o.SegmentBytes = segmentBytesMin - 512 },
	} {
		options := testOptions(vfs.NewMem())
		change(&options)
		if _, err := Open(options); err == nil || !strings.Contains(err.Error(), "Options."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
