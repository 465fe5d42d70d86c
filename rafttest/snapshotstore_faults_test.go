// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// snapFaults are faults, the case of the suite that has to find each, and what it says.
var snapFaults = []struct {
	name, by, says string
	plant          func(*brokenSnapshots)
}{
	{"the end of nothing for what is missing", "a new group is empty", "not there", snapReading(func(_ []byte, n int, err error) (int, error) {
		if errors.Is(err, mem.ErrNoSnapshot) {
			err = io.EOF
		}
		return n, err
	})},
	{"deleting what is missing is an error", "a new group is empty", "nothing there", func(b *brokenSnapshots) {
		b.delete = func(group raft.GroupID, id raft.SnapshotID) error {
			if list, _ := b.Snapshots.List(group); len(list) == 0 {
				return errors.New("nothing there")
			}
			return b.Snapshots.Delete(group, id)
		}
	}},
	{"a Write begins by itself", "a new group is empty", "a Write without Begin", func(b *brokenSnapshots) {
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			if err := b.Snapshots.Write(group, id, offset, data); !errors.Is(err, mem.ErrNoSnapshot) {
				return err
			}
			return nil
		}
	}},
	{"the membership is lost", "what is published is read", "of the list is", beginning(func(m *raft.SnapshotMeta) { m.Membership.Members[1].Address = "" })},
	{"the version is lost", "what is published is read", "of the list is", beginning(func(m *raft.SnapshotMeta) { m.Version = 0 })},
	{"the last command is lost", "what is published is read", "of the list is", beginning(func(m *raft.SnapshotMeta) { m.Command = raft.LogID{} })},
	{"where the membership is from is lost", "what is published is read", "of the list is", beginning(func(m *raft.SnapshotMeta) { m.MembershipAt = 0 })},
	{"external is lost", "external snapshots", "of the list is", beginning(func(m *raft.SnapshotMeta) { m.External = false })},
	{"no size in the list", "size and checksum", "of the list is", listing(func(list []raft.SnapshotMeta) []raft.SnapshotMeta {
		for i := range list {
			list[i].Size = 0
		}
		return list
	})},
	{"no end", "what is published is read", "want io.EOF", snapReading(func(_ []byte, n int, err error) (int, error) {
		if err == io.EOF && n > 0 {
			err = nil
		}
		return n, err
	})},
	{"an end too early", "what is published is read", "at", snapReading(func(_ []byte, n int, err error) (int, error) {
		if n == 5 {
			err = io.EOF
		}
		return min(n, 4000), err
	})},
	{"the last byte is not read", "what is published is read", "were read", snapReading(func(_ []byte, n int, err error) (int, error) {
		if err == io.EOF && n > 0 {
			n--
		}
		return n, err
	})},
	{"another byte", "what is published is read", "other data", snapReading(func(buf []byte, n int, err error) (int, error) {
		if n > 4000 {
			buf[4000] ^= 1
		}
		return n, err
	})},
	{"more than there is room for", "what is published is read", "more was written", snapReading(func(buf []byte, n int, err error) (int, error) {
		if cap(buf) > len(buf) {
			buf[:cap(buf)][len(buf)] = 0
		}
		return n, err
	})},
	{"reads from the beginning", "what is published is read", "", func(b *brokenSnapshots) {
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			return b.Snapshots.ReadAt(group, id, buf, offset&^511)
		}
	}},
	{"what is unfinished is listed", "nobody sees it before", "are listed", func(b *brokenSnapshots) {
		var begun []raft.SnapshotMeta
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			begun = append(begun, meta)
			return b.Snapshots.Begin(group, meta)
		}
		b.publish = func(group raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
			begun = nil
			return b.Snapshots.Publish(group, id, size, sum)
		}
		b.list = func(group raft.GroupID) ([]raft.SnapshotMeta, error) {
			list, err := b.Snapshots.List(group)
			return append(begun, list...), err
		}
	}},
	{"what is unfinished is deleted", "nobody sees it before", "no such snapshot", func(b *brokenSnapshots) {
		b.delete = func(group raft.GroupID, id raft.SnapshotID) error {
			return errors.Join(b.Snapshots.Delete(group, id), b.Snapshots.Abandon(group))
		}
	}},
	{"the size is not checked", "a wrong end", "Publish of", func(b *brokenSnapshots) {
		written := 0
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			written = int(offset) + len(data)
			return b.Snapshots.Write(group, id, offset, data)
		}
		b.publish = func(group raft.GroupID, id raft.SnapshotID, _ uint64, sum uint32) error {
			return b.Snapshots.Publish(group, id, uint64(written), sum)
		}
	}},
	{"the checksum is not checked", "a wrong end", "another checksum", func(b *brokenSnapshots) {
		b.publish = func(group raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
			err := b.Snapshots.Publish(group, id, size, sum)
			if errors.Is(err, mem.ErrSnapshotMismatch) && sum != 0 && size == 300_000 {
				return nil
			}
			return err
		}
	}},
	{"a wrong end does not abandon", "a wrong end", "", func(b *brokenSnapshots) {
		b.publish = func(group raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
			if size != 300_000 {
				return errors.New("wrong size")
			}
			return b.Snapshots.Publish(group, id, size, sum)
		}
	}},
	{"any offset", "writes go on at the end", "elsewhere than at the end", func(b *brokenSnapshots) {
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			err := b.Snapshots.Write(group, id, offset, data)
			if errors.Is(err, mem.ErrSnapshotOffset) && offset > 1 && offset < 100_000 {
				return nil // It has them already, it thinks.
			}
			return err
		}
	}},
	{"a wrong offset abandons", "writes go on at the end", "no such snapshot", func(b *brokenSnapshots) {
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			err := b.Snapshots.Write(group, id, offset, data)
			if errors.Is(err, mem.ErrSnapshotOffset) {
				_ = b.Snapshots.Abandon(group)
			}
			return err
		}
	}},
	{"Begin begins anew", "begin goes on", "were written, and Begin has", func(b *brokenSnapshots) {
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			_ = b.Snapshots.Abandon(group)
			return b.Snapshots.Begin(group, meta)
		}
	}},
	{"Begin has more than there is", "begin goes on", "says that there are", func(b *brokenSnapshots) {
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			held, err := b.Snapshots.Begin(group, meta)
			return (held + 4095) &^ 4095, err
		}
	}},
	{"several unfinished ones", "one unfinished snapshot at most", "was begun", func(b *brokenSnapshots) {
		others := map[raft.SnapshotID]*mem.Snapshots{}
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			if others[meta.ID] == nil {
				others[meta.ID] = mem.NewSnapshots()
			}
			return others[meta.ID].Begin(group, meta)
		}
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			return others[id].Write(group, id, offset, data)
		}
	}},
	{"Abandon does nothing", "abandon", "abandoned", func(b *brokenSnapshots) {
		b.abandon = func(raft.GroupID) error { return nil }
	}},
	{"Abandon of all groups", "abandon", "no such snapshot", func(b *brokenSnapshots) {
		b.abandon = func(group raft.GroupID) error {
			return errors.Join(b.Snapshots.Abandon(group), b.Snapshots.Abandon(1))
		}
	}},
	{"the oldest first", "the newest comes first", "of the list is", listing(func(list []raft.SnapshotMeta) []raft.SnapshotMeta {
		slices.Reverse(list)
		return list
	})},
	{"the highest ID first", "the newest comes first", "of the list is", listing(func(list []raft.SnapshotMeta) []raft.SnapshotMeta {
		slices.SortFunc(list, func(a, b raft.SnapshotMeta) int { return int(b.ID) - int(a.ID) })
		return list
	})},
	{"Delete does nothing", "delete", "are listed", func(b *brokenSnapshots) {
		b.delete = func(raft.GroupID, raft.SnapshotID) error { return nil }
	}},
	{"Delete takes the oldest", "delete", "", func(b *brokenSnapshots) {
		b.delete = func(group raft.GroupID, id raft.SnapshotID) error {
			if list, _ := b.Snapshots.List(group); len(list) > 0 {
				id = list[len(list)-1].ID
			}
			return b.Snapshots.Delete(group, id)
		}
	}},
	{"Delete takes the unfinished one along", "delete", "no such snapshot", func(b *brokenSnapshots) {
		b.delete = func(group raft.GroupID, id raft.SnapshotID) error {
			return errors.Join(b.Snapshots.Delete(group, id), b.Snapshots.Abandon(group))
		}
	}},
	{"half of the group ID", "groups are apart", "", func(b *brokenSnapshots) {
		const half = 1<<32 - 1
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			return b.Snapshots.Begin(group&half, meta)
		}
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			return b.Snapshots.Write(group&half, id, offset, data)
		}
	}},
	{"what is published is written to", "what is published does not change", "begun again", func(b *brokenSnapshots) {
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			_ = b.Snapshots.Delete(group, meta.ID)
			return b.Snapshots.Begin(group, meta)
		}
	}},
	{"the description is kept", "arguments are the caller's", "of the list is", func(b *brokenSnapshots) {
		var kept raft.SnapshotMeta
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			kept = meta
			return b.Snapshots.Begin(group, meta)
		}
		b.list = func(group raft.GroupID) ([]raft.SnapshotMeta, error) {
			list, err := b.Snapshots.List(group)
			for i := range list {
				list[i].Membership = kept.Membership
			}
			return list, err
		}
	}},
	{"the list is kept", "arguments are the caller's", "of the list is", func(b *brokenSnapshots) {
		var kept []raft.SnapshotMeta
		b.list = func(group raft.GroupID) ([]raft.SnapshotMeta, error) {
			if kept == nil {
				kept, _ = b.Snapshots.List(group)
			}
			return kept, nil
		}
	}},
	{"data are kept", "arguments are the caller's", "", func(b *brokenSnapshots) {
		kept := map[uint64][]byte{}
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			kept[offset] = data
			return b.Snapshots.Write(group, id, offset, data)
		}
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			n, err := b.Snapshots.ReadAt(group, id, buf, offset)
			for start, data := range kept {
				if start >= offset && start < offset+uint64(n) {
					copy(buf[start-offset:n], data)
				}
			}
			return n, err
		}
	}},
	{"data are changed", "arguments are the caller's", "Write changed", func(b *brokenSnapshots) {
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			err := b.Snapshots.Write(group, id, offset, data)
			data[0]++
			return err
		}
	}},
	{"no more than 16 MiB", "large snapshots", "too large", func(b *brokenSnapshots) {
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			if offset+uint64(len(data)) > 16<<20 {
				return errors.New("too large")
			}
			return b.Snapshots.Write(group, id, offset, data)
		}
	}},
	{"no reads while something is written", "reads beside writes", "busy", func(b *brokenSnapshots) {
		var busy atomic.Bool
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			busy.Store(true)
			for range 100 {
				runtime.Gosched()
			}
			busy.Store(false)
			return b.Snapshots.Write(group, id, offset, data)
		}
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			if busy.Load() {
				return 0, errors.New("busy")
			}
			return b.Snapshots.ReadAt(group, id, buf, offset)
		}
	}},
	{"damage is not noticed", "damage", "is damaged", func(b *brokenSnapshots) {
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			n, err := b.Snapshots.Clone().ReadAt(group, id, buf, offset)
			if errors.Is(err, mem.ErrSnapshotDamaged) {
				return len(buf), io.EOF
			}
			return n, err
		}
	}},
	{"damaged data are returned", "damage", "were returned", snapReading(func(buf []byte, n int, err error) (int, error) {
		if errors.Is(err, mem.ErrSnapshotDamaged) {
			n = len(buf)
		}
		return n, err
	})},
	{"what is damaged stays in the list", "damage", "are listed", func(b *brokenSnapshots) {
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			return b.Snapshots.Clone().ReadAt(group, id, buf, offset)
		}
	}},
	{"what was damaged is kept", "damage", "is kept, though it was deleted", func(b *brokenSnapshots) { b.keepsAll = true }},
	{"what was damaged is kept, too", "damaged, opened, deleted", "is kept, though it was deleted", func(b *brokenSnapshots) { b.keepsAll = true }},
	{"a failed read is taken for damage", "a failed read is no damage", "are listed", func(b *brokenSnapshots) {
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			n, err := b.Snapshots.ReadAt(group, id, buf, offset)
			if errors.Is(err, errFailing) {
				_ = b.Snapshots.Delete(group, id)
			}
			return n, err
		}
	}},
	{"every tenth write is not made", "random histories", "", func(b *brokenSnapshots) {
		n := 0
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			if n++; n%10 == 0 {
				data = make([]byte, len(data))
			}
			return b.Snapshots.Write(group, id, offset, data)
		}
	}},
	{"published before it is whole", "crash at any moment", "none of the", func(b *brokenSnapshots) {
		patience := 10_000_000
		b.write = func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
			if offset > 0 {
				return nil
			}
			return b.Snapshots.Write(group, id, offset, data)
		}
		b.publish = func(group raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
			first := bytesOf(id, 30_000)[:10_000]
			if err := b.Snapshots.Publish(group, id, 10_000, checksum(first)); err != nil {
				return err
			}
			for until := b.crashes.Load() + 2; until > b.crashes.Load() && patience > 0; patience-- {
				runtime.Gosched() // There will be a crash in between.
			}
			return nil
		}
	}},
}
