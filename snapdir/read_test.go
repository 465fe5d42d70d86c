// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// meter counts what is done to files.
type meter struct {
	mu       sync.Mutex
	open     map[string]int
	openMax  int
	reads    int
	bytes    int
	unsynced int
	worst    int // the most that was ever unsynced
	syncs    int
}

func (m *meter) decide(op vfs.Op) vfs.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !strings.HasSuffix(op.Path, publishedSuffix) && op.Kind&(vfs.OpOpen|vfs.OpClose|vfs.OpRead) != 0 {
		return vfs.Fault{}
	}
	switch op.Kind {
	case vfs.OpOpen:
		m.open[op.Path]++
	case vfs.OpClose:
		if m.open[op.Path]--; m.open[op.Path] == 0 {
			delete(m.open, op.Path)
		}
	case vfs.OpRead:
		m.reads++
		m.bytes += op.Bytes
	case vfs.OpWrite:
		m.unsynced += op.Bytes
		m.worst = max(m.worst, m.unsynced)
	case vfs.OpSync:
		m.syncs++
		m.unsynced = 0
	}
	total := 0
	for _, n := range m.open {
		total += n
	}
	m.openMax = max(m.openMax, total)
	return vfs.Fault{}
}

func metered() (*meter, Options) {
	m := &meter{open: map[string]int{}}
	return m, testOptions(vfs.Faulty(vfs.NewMem(), m.decide))
}

// Files stay open while they are read, and no more than a few.
func TestFilesOpen(t *testing.T) {
	m, options := metered()
	s := mustOpen(t, options)
	var samples []sample
	for i := range wire.Index(10) {
		p := sampleOf(wire.GroupID(1+i%3), 1+i, 1300)
		must(t, p.finish(s))
		samples = append(samples, p)
	}
	buf := make([]byte, blockBytesMin)
	read := func(p *sample) {
		t.Helper()
		for offset := uint64(0); offset < 1300; offset += blockBytesMin {
			n, err := s.ReadAt(p.group, p.meta.ID, buf, offset)
			if err != nil && err != io.EOF || !bytes.Equal(buf[:n], p.data[offset:min(offset+blockBytesMin, 1300)]) {
				t.Fatalf("read %d bytes, %v", n, err)
			}
		}
	}
	for range 3 {
		for i := range samples {
			read(&samples[i])
		}
	}
	if m.openMax > filesOpenMax+1 || len(m.open) != filesOpenMax {
		t.Errorf("%d files were open, %d are", m.openMax, len(m.open))
	}
	for i := range samples[:filesOpenMax] { // These are open now, and stay so.
		read(&samples[i])
	}
	m.reads = 0
	for range 5 {
		for i := range samples[:filesOpenMax] {
			read(&samples[i])
		}
	}
	if want := 5 * filesOpenMax * 3; m.reads != want {
		t.Errorf("%d reads, want one for each block, %d", m.reads, want)
	}
	must(t, s.Delete(samples[0].group, samples[0].meta.ID))
	must(t, s.Close())
	if len(m.open) > 0 {
		t.Errorf("files that are never closed: %v", m.open)
	}
}

// A thousand groups are opened by reading little of each file, and listed without reading.
func TestOpenIsCheap(t *testing.T) {
	m, options := metered()
	s := mustOpen(t, options)
	const groups = 1000
	for group := range wire.GroupID(groups) {
		p := sampleOf(group+1, 5, 5000)
		must(t, p.finish(s))
	}
	must(t, s.Close())
	m.reads, m.bytes = 0, 0
	s = mustOpen(t, options)
	if m.reads > 2*groups || m.bytes > groups*(headerBytesUsual+footerBytes) {
		t.Errorf("%d reads of %d bytes", m.reads, m.bytes)
	}
	m.reads = 0
	for group := range wire.GroupID(groups) {
		list, err := s.List(group + 1)
		must(t, err)
		if len(list) != 1 || list[0].Size != 5000 {
			t.Fatalf("group %d has %+v", group, list)
		}
	}
	if m.reads > 0 {
		t.Errorf("%d reads for List", m.reads)
	}
	must(t, s.Close())
}

// A large membership makes a header that is not read at once.
func TestLargeHeader(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	p := sampleOf(1, 5, 700)
	var members []wire.Member
	for i := range wire.NodeID(wire.MembersMax) {
		members = append(members, wire.Member{ID: i + 1, Address: strings.Repeat("x", wire.AddressBytesMax)})
	}
	p.meta.Membership = wire.NewMembership(members...)
	_, err := s.Begin(1, p.meta)
	must(t, err)
	must(t, p.write(s, 0, 600))
	must(t, s.Close())
	s = mustOpen(t, testOptions(disk))
	must(t, p.finish(s))
	must(t, s.Close())
	s = mustOpen(t, testOptions(disk))
	requireShown(t, s, 1, p)
	must(t, s.Close())
}

// Never much more is waiting to be written than SyncBytes.
func TestSyncsAsItWrites(t *testing.T) {
	m, options := metered()
	options.SyncBytes = 8 * blockBytesMin
	s := mustOpen(t, options)
	p := sampleOf(1, 5, 200*blockBytesMin)
	must(t, p.finish(s))
	if limit := options.SyncBytes + 2*(blockBytesMin+blockSumBytes) + 512; m.worst > limit || m.syncs < 20 || m.syncs > 30 {
		t.Errorf("%d bytes were not synced, at most %d should be; %d syncs", m.worst, limit, m.syncs)
	}
	must(t, s.Close())
}

// Reading allocates no more than what the checksum of a block's number is made of.
func TestReadDoesNotAllocate(t *testing.T) {
	s := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, sampleD.finish(s))
	buf := make([]byte, blockBytesMin)
	offset := uint64(0)
	allocs := testing.AllocsPerRun(500, func() {
		if _, err := s.ReadAt(1, sampleD.meta.ID, buf, offset%2048); err != nil {
			t.Fatal(err)
		}
		offset += blockBytesMin
	})
	if allocs > 1 && thinning == 1 { // The race detector makes pools forget.
		t.Errorf("%v allocations", allocs)
	}
	must(t, s.Close())
}
