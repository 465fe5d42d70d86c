// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

const testDir = "/data/snapshots"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testOptions(fsys vfs.FS) Options {
	return Options{
		Cluster: wire.ClusterID{1, 2, 3}, Node: 7, BlockBytes: blockBytesMin, SyncBytes: 1500,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), FS: fsys,
	}
}

func mustOpen(t testing.TB, options Options) *Store {
	t.Helper()
	s, err := Open(testDir, options)
	must(t, err)
	return s
}

// sample is a snapshot to be taken.
type sample struct {
	group wire.GroupID
	meta  wire.SnapshotMeta
	data  []byte
}

func sampleOf(group wire.GroupID, index wire.Index, length int) sample {
	s := sample{group: group, data: make([]byte, length)}
	for i := range s.data {
		s.data[i] = byte(i*i>>3) ^ byte(index)
	}
	s.meta = wire.SnapshotMeta{
		ID: wire.SnapshotID(index) * 0x101, Last: wire.LogID{Term: 3, Index: index}, MembershipAt: 1, Version: 2,
		Membership: wire.NewMembership(wire.Member{ID: 1, Address: "a"}, wire.Member{ID: 7, Address: "b"}),
	}
	return s
}

func (p *sample) checksum() uint32 { return crc32.Checksum(p.data, castagnoli) }

// write writes from the end of what the store has to a byte, in pieces.
func (p *sample) write(s *Store, from, to uint64) error {
	const piece = 300
	for from < to {
		n := min(piece, to-from)
		if err := s.Write(p.group, p.meta.ID, from, p.data[from:from+n]); err != nil {
			return err
		}
		from += n
	}
	return nil
}

func (p *sample) publish(s *Store) error {
	return s.Publish(p.group, p.meta.ID, uint64(len(p.data)), p.checksum())
}

// finish begins the snapshot, or goes on with it, to the end.
func (p *sample) finish(s *Store) error {
	held, err := s.Begin(p.group, p.meta)
	if err != nil {
		return err
	}
	if held > uint64(len(p.data)) {
		return fmt.Errorf("Begin has %d bytes of %d", held, len(p.data))
	}
	if err := p.write(s, held, uint64(len(p.data))); err != nil {
		return err
	}
	return p.publish(s)
}

// show tells what can be read of a group.
func show(s *Store, group wire.GroupID) (string, error) {
	list, err := s.List(group)
	if err != nil {
		return "", err
	}
	text := ""
	for _, meta := range list {
		data := make([]byte, meta.Size)
		n, err := s.ReadAt(group, meta.ID, data, 0)
		if err != io.EOF || uint64(n) != meta.Size {
			return text, fmt.Errorf("read %d bytes of %d: %w", n, meta.Size, err)
		}
		text += fmt.Sprintf("group %d: %+v %x\n", group, meta, crc32.Checksum(data, castagnoli)) + string(data)
	}
	return text, nil
}

// shown is what show tells of snapshots, the newest first.
func shown(samples ...sample) string {
	text := ""
	for _, p := range samples {
		meta := p.meta
		meta.Size, meta.Checksum = uint64(len(p.data)), p.checksum()
		text += fmt.Sprintf("group %d: %+v %x\n", p.group, meta, meta.Checksum) + string(p.data)
	}
	return text
}

func requireShown(t testing.TB, s *Store, group wire.GroupID, samples ...sample) {
	t.Helper()
	got, err := show(s, group)
	must(t, err)
	if want := shown(samples...); got != want {
		t.Fatalf("the store has\n%.300q\nwant\n%.300q", got, want)
	}
}

// journal collects what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// readFile and replaceFile read and replace a whole file, durably.
func readFile(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	file, err := fsys.OpenRead(path)
	must(t, err)
	size, err := file.Size()
	must(t, err)
	content := make([]byte, size)
	if _, err = file.ReadAt(content, 0); size > 0 {
		must(t, err)
	}
	must(t, file.Close())
	return content
}

func replaceFile(t testing.TB, fsys vfs.FS, path string, content []byte) {
	t.Helper()
	file, err := fsys.Create(path)
	if err != nil {
		file, err = fsys.Open(path)
	}
	must(t, err)
	must(t, file.Truncate(int64(len(content))))
	_, err = file.WriteAt(content, 0)
	must(t, err)
	must(t, file.Sync())
	must(t, file.Close())
	must(t, fsys.SyncDir(testDir))
}

func names(t testing.TB, fsys vfs.FS) []string {
	t.Helper()
	found, err := fsys.ReadDir(testDir)
	must(t, err)
	return found
}

func pathOf(p *sample, suffix string) string {
	return testDir + "/" + fileName{p.group, p.meta.ID, suffix}.String()
}

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
