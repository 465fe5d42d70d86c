// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	// spanBytesMax bounds how much is read at once, unless a record is larger.
	spanBytesMax = 1 << 20
	// spanGapBytesMax bounds what may lie between two records that are read at once.
	// The entries returned keep what was read with them in memory.
	spanGapBytesMax = 1 << 10
)

// Entries returns the entries of a group from lo up to and including hi, or fewer,
// but at least one, if they would exceed bytesMax in Entry.Size. It reads them from
// the disk and verifies all it reads: if an entry is damaged, the error wraps
// ErrCorrupt; if one is compacted or was never saved, or if the range is empty,
// ErrNotFound.
func (l *Log) Entries(group wire.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	p := plan{log: l, group: group, lo: lo, hi: hi, bytesMax: max(bytesMax, 0)}
	if err := p.make(); err != nil {
		return nil, err
	}
	defer p.release()
	if err := p.read(); err != nil {
		return nil, fmt.Errorf("wal: entries %d to %d of group %d: %w", lo, hi, group, err)
	}
	return p.entries, nil
}

// plan is one reading of entries: what is to be read, and then what was.
type plan struct {
	log      *Log
	group    wire.GroupID
	lo, hi   wire.Index
	bytesMax int

	runs     []run
	segments []*segment // of each run; pinned, so that their files stay what they are

	entries []wire.Entry
	bytes   int // of entries
	full    bool
}

// make finds the runs to read, and pins their segments.
func (p *plan) make() error {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	if p.log.closed {
		return ErrClosed
	}
	g := p.log.index.groups[p.group]
	if g == nil {
		g = new(groupLog)
	}
	if p.lo <= g.compacted.Index || p.hi < p.lo || p.hi > g.last.Index {
		return fmt.Errorf("%w: %d to %d of group %d, whose log is from %d to %d",
			ErrNotFound, p.lo, p.hi, p.group, g.compacted.Index+1, g.last.Index)
	}
	p.pin(g.runs[g.firstRun(p.lo):])
	p.log.readers.Add(1)
	return nil
}

// pin takes as many of the runs, which begin with the one that has lo, as it takes to
// reach hi or bytesMax, and pins their segments.
func (p *plan) pin(runs []run) {
	n, count, whole := 0, 0, 0 // Whole counts the bytes of runs that are wanted wholly.
	for ; n < len(runs) && runs[n].first <= p.hi && whole <= p.bytesMax; n++ {
		r := &runs[n]
		if r.first >= p.lo && r.last() <= p.hi && !r.isCut {
			whole += int(r.bytes) - recordHeaderBytes
		}
		count += int(r.count)
	}
	p.runs, p.segments = slices.Clone(runs[:n]), make([]*segment, n)
	for i := range p.runs {
		p.segments[i] = p.log.index.segment(p.runs[i].segment)
		p.segments[i].pins++
	}
	p.entries = make([]wire.Entry, 0, count)
}

// release lets go of the segments.
func (p *plan) release() {
	p.log.mu.Lock()
	isFree := false
	for _, s := range p.segments {
		s.pins--
		isFree = isFree || s.retired && s.pins == 0
	}
	p.log.mu.Unlock()
	if isFree {
		p.log.spares.signal()
	}
	p.log.readers.Done()
}

// read reads the runs, those near to each other at once.
func (p *plan) read() error {
	for i := 0; i < len(p.runs) && !p.full; {
		n := i + 1
		for n < len(p.runs) && p.isNear(i, n) {
			n++
		}
		if err := p.readSpan(i, n); err != nil {
			return err
		}
		i = n
	}
	return nil
}

// isNear reports whether the run n may be read together with those from i to n-1.
func (p *plan) isNear(i, n int) bool {
	from, before, next := p.runs[i], p.runs[n-1], p.runs[n]
	end := before.offset + before.bytes
	return next.segment == before.segment && next.offset >= end && next.offset-end <= spanGapBytesMax &&
		next.offset+next.bytes-from.offset <= spanBytesMax
}

// readSpan reads the runs from i to n-1, which are near to each other.
func (p *plan) readSpan(i, n int) error {
	s, from := p.segments[i], p.runs[i].offset
	last := p.runs[n-1]
	buf := make([]byte, last.offset+last.bytes-from)
	if _, err := s.file.ReadAt(buf, int64(from)); err != nil {
		return fmt.Errorf("read %d bytes at %d of %s: %w", len(buf), from, s.path, err)
	}
	for ; i < n && !p.full; i++ {
		r := p.runs[i]
		at := r.offset - from
		if problem := p.take(buf[at:at+r.bytes], s.seed, r); problem != "" {
			return corrupt(s.path, int64(r.offset), hintReplace, "%s", problem)
		}
	}
	return nil
}

// take verifies a record and takes those of its entries that are wanted.
func (p *plan) take(buf []byte, seed uint32, r run) (problem string) {
	record, _, size, problem := parseRecord(buf, seed, r.offset)
	if problem != "" {
		return problem
	}
	if size != len(buf) || record.kind != recordEntries || record.group != p.group ||
		wire.Index(record.a) != r.first || record.b < uint64(r.count) {
		return "a record is another than the one that was saved"
	}
	n := len(p.entries)
	entries, problem := record.appendEntries(p.entries)
	if problem != "" {
		return problem
	}
	p.entries = entries[:n]
	for i := n; i < n+int(r.count); i++ {
		e := &entries[i]
		if e.Index < p.lo || e.Index > p.hi {
			continue
		}
		if p.bytes += e.Size(); p.bytes > p.bytesMax && len(p.entries) > 0 {
			p.full = true
			return ""
		}
		p.entries = append(p.entries, *e)
	}
	return ""
}
