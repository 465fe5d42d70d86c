// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
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
