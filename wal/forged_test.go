// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// A record can be wrong although its checksum is right, if a program wrote it that had
// a bug. It is not believed, neither by Open nor by a reader.
func TestForgedRecords(t *testing.T) {
	good := wire.AppendEntry(nil, wire.Entry{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: []byte("x")})
	noTerm := wire.AppendEntry(nil, wire.Entry{Index: 1, Kind: wire.EntryCommand})
	entry := record{kind: recordEntries, group: 1, a: 1, b: 1, body: good}
	for name, test := range map[string]struct {
		change func(r *record)
		want   string
	}{
		"no group":           {func(r *record) { r.group = 0 }, "a record has no group"},
		"kind":               {func(r *record) { r.kind = recordCompact + 1 }, "a record is of unknown kind"},
		"no body":            {func(r *record) { r.body = nil }, "a body that its kind has not"},
		"a body":             {func(r *record) { r.kind = recordHardState }, "a body that its kind has not"},
		"no entries":         {func(r *record) { r.b = 0 }, "impossible number of entries"},
		"many entries":       {func(r *record) { r.b = recordEntriesMax + 1 }, "impossible number of entries"},
		"fewer entries":      {func(r *record) { r.body = slices.Concat(good, good) }, "bytes behind its last entry"},
		"more entries":       {func(r *record) { r.b = 2 }, "wire:"},
		"another index":      {func(r *record) { r.a = 2 }, "an index or a term that it cannot have"},
		"an entry of term 0": {func(r *record) { r.body = noTerm }, "an index or a term that it cannot have"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMem()
			l := mustOpen(t, testOptions(disk))
			r := entry
			test.change(&r)
			s, at := l.index.active(), l.tail.end
			l.encoder.begin(s, at, 1000)
			start := l.encoder.startRecord()
			l.encoder.buf = append(l.encoder.buf, r.body...)
			l.encoder.finishRecord(start, r)
			must(t, l.commit(s))
			g := l.index.group(1)
			g.known, g.last = true, wire.LogID{Term: 1, Index: wire.Index(max(r.a, 1))}
			size := uint32(recordHeaderBytes + len(r.body))
			g.runs = []run{{first: wire.Index(r.a), segment: s.number, offset: at + batchHeaderBytes, bytes: size, count: 1}}
			s.runs++
			if found, err := l.Entries(1, g.last.Index, g.last.Index, 100); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("read %v, %v", found, err)
			}
			l.unproven = true
			must(t, l.mark()) // It was synced.
			must(t, l.Close())
			var corruption *CorruptError
			if _, err := Open(testOptions(disk)); !errors.As(err, &corruption) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A header can be wrong although its checksum is right.
func TestForgedHeader(t *testing.T) {
	for name, change := range map[string]func(h *segmentHeader){
		"block":      func(h *segmentHeader) { h.block = 513 },
		"groups":     func(h *segmentHeader) { h.groups++ },
		"checkpoint": func(h *segmentHeader) { h.groups, h.state = 145, 145*checkpointPerGroup },
	} {
		disk := vfs.NewMem()
		l := mustOpen(t, testOptions(disk))
		path := l.index.active().path
		must(t, l.Close())
		header := parseSegmentHeader(readFile(t, disk, path))
		change(&header)
		buf := make([]byte, fileHeaderBytes)
		header.put(buf)
		overwrite(t, disk, path, buf, 0)
		if _, err := Open(testOptions(disk)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "sizes that it cannot have") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSegmentNumbersEnd(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	l.index.active().number = math.MaxUint32
	if err := l.roll(); err == nil || !strings.Contains(err.Error(), "used up") {
		t.Errorf("got %v", err)
	}
	must(t, l.Close())
}

// More groups than the checkpoint of a segment can hold are refused before anything of
// them is written, and if not, then by the segment.
func TestTooManyGroups(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	var err error
	saved := 0
	for ; err == nil; saved++ {
		err = l.Save([]wire.Update{{Group: wire.GroupID(saved + 1), HardState: wire.HardState{Term: 1}}})
	}
	if !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrFailed) || saved < 100 {
		t.Errorf("%d groups, %v", saved, err)
	}
	for i := range wire.GroupID(100) {
		l.index.group(1000 + i).known = true
	}
	if err := l.roll(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	must(t, l.Close())
}

func TestOptionsHaveDefaults(t *testing.T) {
	o := Options{Dir: "x", Cluster: wire.ClusterID{1}, Node: 1}.withDefaults()
	if o.SegmentBytes != segmentBytesDefault || o.BlockBytes != blockBytesDefault || o.Logger == nil || o.FS == nil {
		t.Errorf("got %+v", o)
	}
	must(t, o.validate())
}

// What one large Save took is given back.
func TestEncoderGivesBack(t *testing.T) {
	options := testOptions(vfs.NewMem())
	options.SegmentBytes = 2*encodeBytesKept + 1<<20
	l := mustOpen(t, options)
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, string(make([]byte, 2*encodeBytesKept)))}}))
	large := cap(l.encoder.buf)
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 2, "small")}}))
	if small := cap(l.encoder.buf); large <= encodeBytesKept || small > encodeBytesKept {
		t.Errorf("the buffer had %d bytes and then %d", large, small)
	}
	must(t, l.Close())
}

// A term that is not known is zero.
func TestTermOfEntries(t *testing.T) {
	g := groupLog{
		compacted: wire.LogID{Term: 2, Index: 5}, last: wire.LogID{Term: 4, Index: 9},
		terms: []wire.TermStart{{Term: 3, First: 7}, {Term: 4, First: 9}}, // 6 is not read yet.
	}
	for index, want := range map[wire.Index]wire.Term{5: 2, 6: 0, 7: 3, 8: 3, 9: 4, 10: 0} {
		if got := g.term(index); got != want {
			t.Errorf("entry %d has term %d, want %d", index, got, want)
		}
	}
}
