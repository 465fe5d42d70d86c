// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// The bytes of the format are pinned: if this fails, snapshots written before cannot be
// read any more. A change of them needs a new formatVersion.
func TestFormatIsPinned(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	for _, test := range []struct {
		sample sample
		want   string
	}{
		{sampleOf(1, 5, 1300), "9695fb52648f4016"},
		{sampleOf(1<<40, 6, 0), "5d2f2e7bd25e2af3"},
		{sampleOf(1, 7, 1024), "e30cda81a1e0adf4"},
	} {
		must(t, test.sample.finish(s))
		sum := sha256.Sum256(readFile(t, disk, pathOf(&test.sample, publishedSuffix)))
		if got := hex.EncodeToString(sum[:8]); got != test.want {
			t.Errorf("%v: %s, want %s", test.sample.meta.ID, got, test.want)
		}
	}
	must(t, s.Close())
}

// No two of the fields that are encoded by hand overlap with what follows them.
func TestHeadersRoundTrip(t *testing.T) {
	p := sampleOf(1, 5, 10)
	p.meta.Size, p.meta.Checksum = 1<<63-1, 1<<32-1
	h := header{cluster: wire.ClusterID{1, 15: 2}, node: 1<<64 - 1, group: 1<<64 - 2, block: 1 << 20, meta: p.meta}
	buf := h.encode()
	got, err := parseHeader(buf)
	must(t, err)
	if !reflect.DeepEqual(got, h) || got.bytes != int64(len(buf)) || headerSize(buf[:headerFixedBytes]) != len(buf) {
		t.Errorf("header %+v, want %+v", got, h)
	}
	h.meta.Size, h.meta.Checksum = 0, 0
	h.conclude(h.encode())
	for _, size := range []uint64{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1 << 61} {
		l := layout{header: h, size: size, dsum: 1<<32 - 2}
		footer := l.appendFooter([]byte("before"))[6:]
		found, err := parseFooter(h, footer, l.fileBytes())
		must(t, err)
		if len(footer) != footerBytes || !reflect.DeepEqual(found, l) {
			t.Errorf("footer %+v, want %+v", found, l)
		}
		if _, err := parseFooter(h, footer, l.fileBytes()+1); err == nil {
			t.Error("a footer is taken for one of a longer file")
		}
		le.PutUint64(footer[24:], l.blocks()+1)
		le.PutUint32(footer[8:], h.footerSum(footer))
		if _, err := parseFooter(h, footer, l.fileBytes()); err == nil {
			t.Error("a footer that contradicts itself is taken for one")
		}
		other := h
		other.meta.Size, other.meta.Checksum = size, 5
		other.conclude(other.encode())
		l.header = other
		if _, err := parseFooter(other, l.appendFooter(nil), l.fileBytes()); err == nil {
			t.Error("a footer that contradicts its header is taken for one")
		}
	}
}

// A block is good in its place only: with its number, its length, in its file.
func TestBlocksHaveAPlace(t *testing.T) {
	p := sampleOf(1, 5, 10)
	h := header{node: 1, group: 1, block: 512, meta: p.meta}
	h.encode()
	others := map[string]header{}
	for name, change := range map[string]func(*header){
		"node": func(h *header) { h.node++ }, "group": func(h *header) { h.group++ }, "cluster": func(h *header) { h.cluster[3]++ },
		"snapshot": func(h *header) { h.meta.ID++ }, "index": func(h *header) { h.meta.Last.Index++ }, "block": func(h *header) { h.block *= 2 },
	} {
		other := h
		change(&other)
		other.encode()
		others[name] = other
	}
	for _, length := range []int{1, 100, 511, 512} {
		block := bytes.Repeat([]byte{0}, blockSumBytes+length)
		h.putBlockSum(3, block)
		if !h.isBlock(3, block) || h.isBlock(2, block) || h.isBlock(4, block) || h.isBlock(3, append(block, 0)) ||
			h.isBlock(3, block[:len(block)-1]) || h.isBlock(3, nil) {
			t.Errorf("a block of %d bytes is good in another place, or not in its own", length)
		}
		for name, other := range others {
			if other.isBlock(3, block) {
				t.Errorf("a block is good in a file of another %s", name)
			}
		}
	}
}
