// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// snapData is a snapshot.
type snapData struct {
	meta raft.SnapshotMeta
	data []byte
}

// snapModel is what a snapshot store should hold of one group.
type snapModel struct {
	published  []snapData // the one with the highest Last first
	unfinished *snapData
}

// snapModels is what a snapshot store should hold of all groups.
type snapModels map[raft.GroupID]*snapModel

func (ms snapModels) group(id raft.GroupID) *snapModel {
	if ms[id] == nil {
		ms[id] = new(snapModel)
	}
	return ms[id]
}

// clone copies what is published, which does not change.
func (ms snapModels) clone() snapModels {
	clone := snapModels{}
	for id, m := range ms {
		clone[id] = &snapModel{published: slices.Clone(m.published)}
	}
	return clone
}

// begin begins a snapshot of which the store has so many bytes.
func (m *snapModel) begin(meta raft.SnapshotMeta, held uint64) (int, error) {
	known := 0
	if u := m.unfinished; u != nil && u.meta.ID == meta.ID {
		known = len(u.data)
	} else {
		m.unfinished = &snapData{}
	}
	if held > uint64(known) {
		return 0, fmt.Errorf("beginning snapshot %v says that there are %d bytes, %d were written", meta.ID, held, known)
	}
	m.unfinished.meta, m.unfinished.data = cloneSnapshotMeta(meta), m.unfinished.data[:held:held]
	return int(held), nil
}

func (m *snapModel) publish() {
	u := *m.unfinished
	u.meta.Size, u.meta.Checksum = uint64(len(u.data)), checksum(u.data)
	m.unfinished = nil
	m.published = append(m.published, u)
	slices.SortFunc(m.published, func(a, b snapData) int { return cmp.Compare(b.meta.Last.Index, a.meta.Last.Index) })
}

func (m *snapModel) delete(id raft.SnapshotID) {
	m.published = slices.DeleteFunc(slices.Clone(m.published), func(p snapData) bool { return p.meta.ID == id })
}

// verify compares a store with the models.
func (ms snapModels) verify(store raft.SnapshotStore) error {
	for _, group := range slices.Sorted(maps.Keys(ms)) {
		if err := ms[group].verify(store, group); err != nil {
			return fmt.Errorf("group %d: %w", group, err)
		}
	}
	return nil
}

func (m *snapModel) verify(store raft.SnapshotStore, group raft.GroupID) error {
	list, err := store.List(group)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if len(list) != len(m.published) {
		return fmt.Errorf("%d snapshots are listed, want %d", len(list), len(m.published))
	}
	for i, want := range m.published {
		if !equalSnapshots(list[i], want.meta) {
			return fmt.Errorf("snapshot %d of the list is %+v, want %+v", i, list[i], want.meta)
		}
		if err := want.verify(store, group); err != nil {
			return fmt.Errorf("snapshot %v: %w", want.meta.ID, err)
		}
	}
	return nil
}

// verify reads a snapshot from its beginning, and from places in between.
func (p *snapData) verify(store raft.SnapshotStore, group raft.GroupID) error {
	const piece = 100_000
	for offset := 0; offset == 0 || offset < len(p.data); offset += piece {
		if err := p.read(store, group, offset, piece); err != nil {
			return err
		}
	}
	random := rand.New(rand.NewPCG(uint64(p.meta.ID), 1))
	for range 8 {
		if err := p.read(store, group, random.IntN(len(p.data)+2), random.IntN(5000)); err != nil {
			return err
		}
	}
	for _, offset := range []int{len(p.data) - 1, len(p.data), len(p.data) + 1, len(p.data) + 1e6} {
		if err := p.read(store, group, max(offset, 0), 1); err != nil {
			return err
		}
	}
	return p.read(store, group, 0, len(p.data))
}

// read reads once and compares.
func (p *snapData) read(store raft.SnapshotStore, group raft.GroupID, offset, length int) error {
	buf := bytes.Repeat([]byte{0xa5}, length+1)
	n, err := store.ReadAt(group, p.meta.ID, buf[:length], uint64(offset))
	want := p.data[min(offset, len(p.data)):min(offset+length, len(p.data))]
	isEnd := offset+length >= len(p.data)
	switch {
	case isEnd && err != io.EOF:
		return fmt.Errorf("%d bytes at %d, where the data end: error %v, want io.EOF", length, offset, err)
	case !isEnd && err != nil:
		return fmt.Errorf("%d bytes at %d: %w", length, offset, err)
	case n != len(want):
		return fmt.Errorf("%d bytes at %d: %d were read, want %d", length, offset, n, len(want))
	case !bytes.Equal(buf[:n], want):
		return fmt.Errorf("%d bytes at %d are other data than were written", length, offset)
	case buf[length] != 0xa5:
		return fmt.Errorf("%d bytes at %d: more was written into memory", length, offset)
	}
	return nil
}

// equalSnapshots compares descriptions.
func equalSnapshots(a, b raft.SnapshotMeta) bool {
	return bytes.Equal(wire.AppendSnapshotMeta(nil, &a), wire.AppendSnapshotMeta(nil, &b))
}

func cloneSnapshotMeta(meta raft.SnapshotMeta) raft.SnapshotMeta {
	meta.Membership = meta.Membership.Clone()
	return meta
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// snapshotOf describes a snapshot, whose ID is made of the index, without size and checksum.
func snapshotOf(index raft.Index) raft.SnapshotMeta {
	return raft.SnapshotMeta{
		ID: raft.SnapshotID(index) << 7, Last: raft.LogID{Term: 1 + raft.Term(index/10), Index: index},
		Membership:   wire.NewMembership(wire.Member{ID: 1, Address: "one"}, wire.Member{ID: 2, Address: fmt.Sprint("two-", index)}),
		MembershipAt: index / 2, Command: raft.LogID{Term: 1, Index: index / 3}, Version: uint32(index),
	}
}

// bytesOf makes data: other ones for each snapshot, with stretches of zeroes.
func bytesOf(id raft.SnapshotID, length int) []byte {
	data := make([]byte, length+8)
	for i := 0; i < length; i += 8 {
		word := (uint64(id)<<32 + uint64(i)) * 0x9e3779b97f4a7c15
		word = (word ^ word>>29) * 0xbf58476d1ce4e5b9
		if word>>61 > 1 {
			binary.LittleEndian.PutUint64(data[i:], word^word>>32)
		}
	}
	return data[:length:length]
}
