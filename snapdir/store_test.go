// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		change func(o *Options)
		dir    string
		want   string
	}{
		"no cluster":           {func(o *Options) { o.Cluster = wire.ClusterID{} }, testDir, "Options.Cluster is missing"},
		"no node":              {func(o *Options) { o.Node = 0 }, testDir, "Options.Node is missing"},
		"no folder":            {func(o *Options) {}, "", "the folder is missing"},
		"odd blocks":           {func(o *Options) { o.BlockBytes = 513 }, testDir, "Options.BlockBytes 513"},
		"small blocks":         {func(o *Options) { o.BlockBytes = 256 }, testDir, "Options.BlockBytes 256"},
		"large blocks":         {func(o *Options) { o.BlockBytes = 32 << 20 }, testDir, "Options.BlockBytes"},
		"a negative SyncBytes": {func(o *Options) { o.SyncBytes = -1 }, testDir, "Options.SyncBytes"},
	} {
		options := testOptions(vfs.NewMem())
		test.change(&options)
		if _, err := Open(test.dir, options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := Options{}.withDefaults()
	if o.BlockBytes != 256<<10 || o.SyncBytes != 16<<20 || o.FS == nil || o.Logger == nil {
		t.Errorf("defaults %+v", o)
	}
}

// Every misuse has an error by name.
func TestErrorsByName(t *testing.T) {
	s := mustOpen(t, testOptions(vfs.NewMem()))
	a, b := sampleOf(1, 5, 1000), sampleOf(1, 9, 1000)
	must(t, a.finish(s))
	invalid := b.meta
	invalid.Command.Index = 10
	known := b.meta
	known.Size, known.Checksum = 1000, b.checksum()
	external := b.meta
	external.External = true
	begin := func(meta wire.SnapshotMeta) error { return second(s.Begin(1, meta)) }
	for _, test := range []struct {
		what string
		want error
		do   func() error
	}{
		{"Begin of what is published", ErrExists, func() error { return begin(a.meta) }},
		{"Begin of what cannot be", ErrInvalid, func() error { return begin(invalid) }},
		{"ReadAt of what is not there", ErrNotFound, func() error { return second(s.ReadAt(1, 99, nil, 0)) }},
		{"ReadAt of another group", ErrNotFound, func() error { return second(s.ReadAt(2, a.meta.ID, nil, 0)) }},
		{"Write without Begin", ErrNotFound, func() error { return b.write(s, 0, 10) }},
		{"Publish without Begin", ErrNotFound, func() error { return b.publish(s) }},
		{"Begin", nil, func() error { return begin(b.meta) }},
		{"Write behind the end", ErrOffset, func() error { return b.write(s, 10, 20) }},
		{"Write, after that", nil, func() error { return b.write(s, 0, 1000) }},
		{"Publish of another size", ErrMismatch, func() error { return s.Publish(1, b.meta.ID, 999, b.checksum()) }},
		{"Begin, after that", nil, func() error { return begin(b.meta) }},
		{"Write, to that", nil, func() error { return b.write(s, 0, 1000) }},
		{"Publish of another checksum", ErrMismatch, func() error { return s.Publish(1, b.meta.ID, 1000, b.checksum()+1) }},
		{"Publish, after that", ErrNotFound, func() error { return b.publish(s) }},
		{"Begin, the size being known", nil, func() error { return begin(known) }},
		{"Write beyond that", ErrMismatch, func() error { return s.Write(1, b.meta.ID, 0, make([]byte, 1001)) }},
		{"Begin, the size being known, again", nil, func() error { return begin(known) }},
		{"Publish of less than that", ErrMismatch, func() error { return s.Publish(1, b.meta.ID, 0, 0) }},
		{"Begin of an external one", nil, func() error { return begin(external) }},
		{"Write to an external one", ErrMismatch, func() error { return b.write(s, 0, 10) }},
	} {
		if err := test.do(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.what, err, test.want)
		}
	}
	requireShown(t, s, 1, a)
	if _, err := Open(testDir, s.options); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	must(t, s.Close())
	must(t, s.Close())
	for what, err := range map[string]error{
		"List": second(s.List(1)), "Begin": begin(b.meta), "Write": b.write(s, 0, 1), "Publish": b.publish(s),
		"Abandon": s.Abandon(1), "ReadAt": second(s.ReadAt(1, a.meta.ID, nil, 0)), "Delete": s.Delete(1, a.meta.ID),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A folder of another node or cluster, and one of a later version, is refused by name, and
// nothing is changed. It does not matter what else is in it.
func TestForeign(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	a, b := sampleOf(1, 5, 1000), sampleOf(1, 9, 1000)
	must(t, a.finish(s))
	must(t, b.finish(s))
	must(t, s.Close())
	content := readFile(t, disk, pathOf(&a, publishedSuffix))
	content[len(content)-1] ^= 1
	replaceFile(t, disk, pathOf(&a, publishedSuffix), content)
	before := names(t, disk)
	for what, change := range map[string]func(o *Options){
		"cluster": func(o *Options) { o.Cluster[15]++ },
		"node":    func(o *Options) { o.Node++ },
	} {
		options := testOptions(disk)
		change(&options)
		if _, err := Open(testDir, options); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), pathOf(&b, publishedSuffix)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	content = readFile(t, disk, pathOf(&b, publishedSuffix))
	content[8]++
	size := headerSize(content)
	le.PutUint32(content[12:], headerSum(content[:size]))
	replaceFile(t, disk, pathOf(&b, publishedSuffix), content)
	if _, err := Open(testDir, testOptions(disk)); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("version: %v", err)
	}
	if after := names(t, disk); !slices.Equal(after, before) {
		t.Errorf("the folder had %v and has %v", before, after)
	}
}

// Files that are none of the store's are left alone.
func TestUnknownNames(t *testing.T) {
	disk := vfs.NewMem()
	must(t, disk.MkdirAll(testDir))
	unknown := []string{
		"README", "0000000000000001-0000000000000002.snapshots", "1-2.snapshot", "0000000000000001-00000000000000AA.snapshot",
		"0000000000000001-0000000000000002.snapshot.old", "+000000000000001-0000000000000002.snapshot", ".snapshot",
		"0000000000000001-0000000000000002-0000000000000003.unfinished",
	}
	for _, name := range unknown {
		replaceFile(t, disk, testDir+"/"+name, []byte(name))
	}
	s := mustOpen(t, testOptions(disk))
	a := sampleOf(1, 2, 100)
	must(t, a.finish(s))
	must(t, s.Delete(1, a.meta.ID))
	must(t, s.Close())
	slices.Sort(unknown)
	if found := names(t, disk); !slices.Equal(found, unknown) {
		t.Errorf("found %v", found)
	}
	for _, name := range []fileName{{1, 2, publishedSuffix}, {1<<64 - 1, 0, unfinishedSuffix}, {0, 1<<64 - 1, damagedSuffix}} {
		if got, ok := parseName(name.String()); !ok || got != name {
			t.Errorf("%v is read as %v", name, got)
		}
	}
}
