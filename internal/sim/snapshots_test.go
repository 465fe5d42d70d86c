// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/vfs"
)

func TestStateEncodes(t *testing.T) {
	var s state
	for op := uint64(0); op < 100; op++ {
		for _, padding := range []int{0, 1, 700} {
			data := s.encode(padding)
			got, err := decodeState(data)
			if err != nil || got.seen() != s.seen() || got.registers != s.registers || len(data) != stateBytes+padding {
				t.Fatalf("after %d commands: %+v, %v, want %+v", op, got, err, s)
			}
			data[int(op*7)%len(data)] ^= 4
			if changed, err := decodeState(data); err == nil && changed.seen() == s.seen() {
				t.Fatal("a change is not noticed")
			}
		}
		s.apply(raft.LogID{Term: 1, Index: raft.Index(op + 1)}, op*op)
	}
}

// TestSnapshotsHappen demands that everything about snapshots happens, in both kinds of state
// machines, though the seeds are few.
func TestSnapshotsHappen(t *testing.T) {
	skipInRace(t)
	for _, isDurable := range []bool{false, true} {
		var sum SnapshotCounts
		for seed := uint64(1); seed <= 6; seed++ {
			r := Run(Options{Seed: seed, shape: func(p *plan) {
				*p = steadyPlan(3, 100*time.Millisecond)
				p.rate, p.duration = 100, 10*time.Second
				p.snapshots = snapshotPlan{
					isOn: true, isDurable: isDurable, flushEvery: 4, transfers: 2, bytesPerSecond: 100_000, blockBytes: 512, syncBytes: 1 << 20, padding: 48 << 10,
					policy: raft.SnapshotPolicy{Entries: 20, Interval: -1, LogBytes: -1, TrailingEntries: 5, RetainBytesMax: 1, Keep: 2},
				}
				p.faults = Faults{}.With(StrandNode).With(StrandLeader).With(CrashReceiver).With(CrashKill).With(CutTransfer)
			}})
			if r.Violation != nil {
				t.Fatalf("durable %v, seed %d: %v", isDurable, seed, r.Violation)
			}
			sum.Add(&r.Snapshots)
		}
		if sum.Taken == 0 || sum.Sent == 0 || sum.Installed == 0 || sum.Interrupted == 0 || sum.Compacted == 0 || sum.Resumed == 0 && !isDurable {
			t.Errorf("durable %v: %+v", isDurable, sum)
		}
	}
}

// badShelf is a snapshot store that breaks its contract.
type badShelf struct {
	raft.SnapshotStore
	publish func(honest raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID, size uint64, checksum uint32) error
	read    func(buf []byte, n int)
}

func (b *badShelf) Publish(group raft.GroupID, id raft.SnapshotID, size uint64, checksum uint32) error {
	if b.publish == nil {
		return b.SnapshotStore.Publish(group, id, size, checksum)
	}
	return b.publish(b.SnapshotStore, group, id, size, checksum)
}

func (b *badShelf) ReadAt(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
	n, err := b.SnapshotStore.ReadAt(group, id, buf, offset)
	if b.read != nil {
		b.read(buf, n)
	}
	return n, err
}

// TestPlantedSnapshotFaults puts faults into the store and the state machine, and demands that
// they are found, each as what it is.
func TestPlantedSnapshotFaults(t *testing.T) {
	shelf := func(make func(n *node, honest raft.SnapshotStore) raft.SnapshotStore) plant {
		return plant{shelf: make}
	}
	for _, test := range []planted{
		{"a store that publishes nothing", shelf(func(_ *node, honest raft.SnapshotStore) raft.SnapshotStore {
			return &badShelf{SnapshotStore: honest, publish: func(raft.SnapshotStore, raft.GroupID, raft.SnapshotID, uint64, uint32) error { return nil }}
		}), []string{"I13"}},
		{"a store that forgets what it has published", shelf(func(n *node, honest raft.SnapshotStore) raft.SnapshotStore {
			return &badShelf{SnapshotStore: honest, publish: func(s raft.SnapshotStore, g raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
				err := s.Publish(g, id, size, sum)
				for _, path := range n.disk.files(snapshotDir, publishedSuffix) {
					_ = n.disk.mem.Remove(path)
				}
				return err
			}}
		}), []string{"I13", "I24"}},
		{"a state machine whose captures lack a register", plant{capture: func(s *state) {
			s.print ^= s.registers[3].print(3) ^ register{}.print(3)
			s.registers[3] = register{}
		}}, []string{"I14"}},
		{"a state machine whose captures are of later", plant{capture: func(s *state) { s.command.Index++ }}, []string{"I14"}},
		{"a state machine that does not sync", plant{unsynced: true}, []string{"L1", "I13"}},
	} {
		t.Run(test.name, test.find)
	}
}

// TestDamageToSnapshotFiles: what the disk does to a snapshot changes its file.
func TestDamageToSnapshotFiles(t *testing.T) {
	for _, f := range []Fault{RotSnapshot, RotUnfinished, LostSnapshot, CutSnapshot} {
		w := newWorld(&Options{Seed: 1, Nodes: 1})
		d, suffix := w.nodes[0].disk, publishedSuffix
		if f == RotUnfinished {
			suffix = unfinishedSuffix
		}
		if d.damageSnapshot(f) {
			t.Fatalf("%v: there is nothing to damage", f)
		}
		name := snapshotDir + "/x" + suffix
		if err := d.mem.MkdirAll(snapshotDir); err != nil {
			t.Fatal(err)
		}
		file, err := d.mem.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt([]byte("some bytes"), 0); err != nil {
			t.Fatal(err)
		}
		if !d.damageSnapshot(f) || w.counts[f] != 1 {
			t.Fatalf("%v did not happen", f)
		}
		if left, err := readAll(vfs.FS(d.mem), name); err != nil && f != LostSnapshot || err == nil && string(left) == "some bytes" {
			t.Errorf("%v leaves %q, %v", f, left, err)
		}
		if harmed := f != RotUnfinished; d.snapshotsHarmed != harmed || d.lacksSnapshot != harmed {
			t.Errorf("%v: the disk says harmed %v, lacks one %v", f, d.snapshotsHarmed, d.lacksSnapshot)
		}
	}
}
