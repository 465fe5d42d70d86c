// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"unsafe"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// The bytes of the format are pinned: if this fails, logs written before cannot be
// read any more. A change of them needs a new formatVersion.
func TestFormatIsPinned(t *testing.T) {
	options := testOptions(vfs.NewMem())
	l := mustOpen(t, options)
	must(t, l.Save([]wire.Update{
		{
			Group: 1, HardState: wire.HardState{Term: 3, Vote: 7}, Reset: wire.LogID{Term: 2, Index: 9},
			Entries: entries(3, 10, "a", "bc"), Compact: 10,
		},
		{Group: 2, Entries: []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryMembership, Data: []byte("m")}}},
	}))
	must(t, l.Save([]wire.Update{{Group: 3, Entries: entries(1, 1, strings.Repeat("x", 6900))}}))
	must(t, l.Save([]wire.Update{{Group: 3, HardState: wire.HardState{Term: 1}}}))
	must(t, l.Close())
	for name, want := range map[string]string{
		identityName:                 "9bec49831770cd35",
		"0000000001" + segmentSuffix: "9f43c5a7d89ea63d",
		"0000000002" + segmentSuffix: "0046f70c07fe2b23",
	} {
		sum := sha256.Sum256(readFile(t, options.FS, testDir+"/"+name))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// No two of the structs that are encoded by hand overlap with what follows them.
func TestHeadersRoundTrip(t *testing.T) {
	header := segmentHeader{
		identity: identity{cluster: wire.ClusterID{1, 15: 2}, node: 1<<64 - 1, incarnation: 1<<64 - 2},
		number:   1<<32 - 1, bytes: 1<<32 - 2, block: 1<<32 - 3,
		before: tail{seq: 1<<64 - 3, sum: 1<<32 - 4, end: 1<<32 - 5},
		state:  1<<32 - 6, groups: 1<<32 - 7, sumOfCP: 1<<32 - 8,
	}
	buf := make([]byte, fileHeaderBytes)
	header.put(buf)
	if got := parseSegmentHeader(buf); got != header || !fileSumOK(buf, segmentMagic) {
		t.Errorf("segment header %+v, want %+v", got, header)
	}
	entry := checkpointEntry{
		group: 1, hardState: wire.HardState{Term: 2, Vote: 3},
		compacted: wire.LogID{Term: 4, Index: 5}, last: wire.LogID{Term: 6, Index: 7},
	}
	buf = make([]byte, checkpointPerGroup)
	putCheckpointEntry(buf, entry)
	if got := parseCheckpointEntry(buf); got != entry {
		t.Errorf("checkpoint %+v, want %+v", got, entry)
	}
	s := segment{number: 4, incarnation: 5, seed: seedOf(5, 4)}
	batch := batchHeader{seq: 1<<64 - 1, bytes: 2, records: 3, previous: 4, body: 5}
	buf = make([]byte, batchHeaderBytes)
	batch.put(buf, &s, 512)
	if got, ok := parseBatchHeader(buf, &s, 512); !ok || got != batch {
		t.Errorf("batch header %+v, want %+v", got, batch)
	}
	if _, ok := parseBatchHeader(buf, &s, 1024); ok {
		t.Error("a batch header is taken for one of another place")
	}
	buf = make([]byte, recordHeaderBytes)
	finishRecord(buf, 7, 9, record{kind: recordReset, group: 1, a: 2, b: 3})
	for offset, want := range map[uint32]bool{9: true, 10: false} {
		if _, _, _, problem := parseRecord(buf, 7, offset); (problem == "") != want {
			t.Errorf("a record at %d: %q", offset, problem)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"0000000001.segment": true, "4294967295.segment": true, "4294967296.segment": false,
		"1.segment": false, "0000000001.spare": false, "-000000001.segment": false, "+000000001.segment": false,
		"00000000001.segment": false, ".segment": false, "000000000x.segment": false,
	} {
		if _, got := parseName(name, segmentSuffix); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, want := range map[string]bool{
		"identity.tmp": true, "0000000001.spare.tmp": true, "mine.tmp": false, "0000000001.segment.tmp": false, "identity": false,
	} {
		if got := isTemp(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Entries of some 100 bytes, one by one, take no more than 24 bytes of memory each.
func TestIndexIsCompact(t *testing.T) {
	options := testOptions(vfs.NewMem())
	options.SegmentBytes = 1 << 20
	l := mustOpen(t, options)
	for i := range wire.Index(500) {
		must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, i+1, "x")}}))
	}
	g := l.index.groups[1]
	if len(g.runs) != 500 || len(g.terms) != 1 || runBytes != 24 {
		t.Errorf("%d runs of %d bytes, %d terms", len(g.runs), runBytes, len(g.terms))
	}
	must(t, l.Close())
}

// Saving allocates nothing in the long run but what the index takes.
func TestSaveDoesNotAllocatePerEntry(t *testing.T) {
	options := testOptions(nil)
	options.FS = nullFS{vfs.NewMem()}
	options.SegmentBytes = 4 << 20
	l := mustOpen(t, options)
	next := wire.Index(1)
	updates := []wire.Update{{Group: 1, Entries: make([]wire.Entry, 64)}}
	data := make([]byte, benchPayloadBytes)
	allocs := testing.AllocsPerRun(200, func() {
		for i := range updates[0].Entries {
			updates[0].Entries[i] = wire.Entry{Index: next, Term: 1, Kind: wire.EntryCommand, Data: data}
			next++
		}
		must(t, l.Save(updates))
	})
	if allocs > 1 {
		t.Errorf("%v allocations for 64 entries", allocs)
	}
	must(t, l.Close())
}

const runBytes = unsafe.Sizeof(run{})
