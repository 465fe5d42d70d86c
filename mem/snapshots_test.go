// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

func snapshotMeta(id wire.SnapshotID) wire.SnapshotMeta {
	return wire.SnapshotMeta{
		ID: id, Last: wire.LogID{Term: 1, Index: wire.Index(id)}, Membership: wire.NewMembership(wire.Member{ID: 1, Address: "a"}),
	}
}

// putSnapshot writes and publishes a snapshot, in pieces of ten bytes.
func putSnapshot(s *Snapshots, id wire.SnapshotID, data []byte) error {
	held, err := s.Begin(testGroup, snapshotMeta(id))
	if err != nil {
		return err
	}
	for ; held < uint64(len(data)); held += 10 {
		if err := s.Write(testGroup, id, held, data[held:min(held+10, uint64(len(data)))]); err != nil {
			return err
		}
	}
	return publishSnapshot(s, id, data)
}

func publishSnapshot(s *Snapshots, id wire.SnapshotID, data []byte) error {
	return s.Publish(testGroup, id, uint64(len(data)), crc32.Checksum(data, castagnoli))
}

func readSnapshot(s *Snapshots, id wire.SnapshotID) ([]byte, error) {
	buf := make([]byte, 1000)
	n, err := s.ReadAt(testGroup, id, buf, 0)
	if err == io.EOF {
		err = nil
	}
	return buf[:n], err
}

func requireSnapshots(t *testing.T, s *Snapshots, data []byte, ids ...wire.SnapshotID) {
	t.Helper()
	list, err := s.List(testGroup)
	if err != nil || len(list) != len(ids) {
		t.Fatalf("%d snapshots are listed, %v, want %v", len(list), err, ids)
	}
	for i, id := range ids {
		if got, err := readSnapshot(s, id); list[i].ID != id || err != nil || !bytes.Equal(got, data) {
			t.Errorf("snapshot %v: %q, %v", list[i].ID, got, err)
		}
	}
}

var snapshotData = []byte("thirty-four bytes make a snapshot")

// A fault is in what is called next, with its error, and has gone when it is taken back. What
// was being written is abandoned, what is published stays.
func TestSnapshotFaults(t *testing.T) {
	errDisk := errors.New("no space left on device")
	for name, fail := range map[string]func(*Snapshots, error){
		"write": (*Snapshots).FailWrites, "publish": (*Snapshots).FailPublishes,
	} {
		s := NewSnapshots()
		if err := putSnapshot(s, 1, snapshotData); err != nil {
			t.Fatal(err)
		}
		fail(s, errDisk)
		if err := putSnapshot(s, 2, snapshotData); !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", name, err)
		}
		if err := publishSnapshot(s, 2, snapshotData); !errors.Is(err, ErrNoSnapshot) {
			t.Errorf("%s: then Publish gives %v", name, err)
		}
		requireSnapshots(t, s, snapshotData, 1)
		fail(s, nil)
		if held, err := s.Begin(testGroup, snapshotMeta(2)); held != 0 || err != nil {
			t.Errorf("%s: Begin has %d bytes, %v", name, held, err)
		}
		if err := putSnapshot(s, 2, snapshotData); err != nil {
			t.Errorf("%s: the next gives %v", name, err)
		}
		requireSnapshots(t, s, snapshotData, 2, 1)
		s.FailReads(errDisk)
		if _, err := readSnapshot(s, 2); !errors.Is(err, errDisk) {
			t.Errorf("a read gives %v", err)
		}
		s.FailReads(nil)
		requireSnapshots(t, s, snapshotData, 2, 1)
	}
}

func TestSnapshotDamage(t *testing.T) {
	s := NewSnapshots()
	for id := wire.SnapshotID(1); id <= 2; id++ {
		if err := putSnapshot(s, id, snapshotData); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Clone()
	if !s.Damage(testGroup, 2, 20) || s.Damage(testGroup, 2, uint64(len(snapshotData))) || s.Damage(testGroup, 3, 0) || s.Damage(8, 2, 0) {
		t.Error("Damage finds other bytes than there are")
	}
	after := s.Clone()
	buf := make([]byte, 20)
	for _, offset := range []uint64{0, 21} { // The bytes beside it are good.
		n, err := s.ReadAt(testGroup, 2, buf, offset)
		if err != nil && err != io.EOF || !bytes.Equal(buf[:n], snapshotData[offset:min(int(offset)+20, len(snapshotData))]) {
			t.Errorf("beside the damage: %q, %v", buf[:n], err)
		}
	}
	for _, damaged := range []*Snapshots{s, after} {
		if got, err := readSnapshot(damaged, 2); len(got) > 0 || !errors.Is(err, ErrSnapshotDamaged) {
			t.Errorf("read %q, %v", got, err)
		}
		requireSnapshots(t, damaged, snapshotData, 1)
	}
	requireSnapshots(t, before, snapshotData, 2, 1)

	if _, err := s.Begin(testGroup, snapshotMeta(5)); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(testGroup, 5, 0, snapshotData); err != nil || !s.Damage(testGroup, 5, 3) {
		t.Fatalf("write: %v", err)
	}
	if err := publishSnapshot(s, 5, snapshotData); !errors.Is(err, ErrSnapshotDamaged) {
		t.Errorf("Publish gives %v", err)
	}
	requireSnapshots(t, s, snapshotData, 1)
}

// A crash leaves what is published and, of what is unfinished, all but the last Write. What
// happens to the one store afterwards does not touch the other.
func TestSnapshotClone(t *testing.T) {
	s := NewSnapshots()
	if err := putSnapshot(s, 1, snapshotData); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(testGroup, snapshotMeta(2)); err != nil {
		t.Fatal(err)
	}
	for offset := 0; offset < 30; offset += 10 {
		if err := s.Write(testGroup, 2, uint64(offset), snapshotData[offset:offset+10]); err != nil {
			t.Fatal(err)
		}
	}
	s.FailWrites(errors.New("not in the clone"))
	clone := s.Clone()
	s.FailWrites(nil)
	if held, err := clone.Begin(testGroup, snapshotMeta(2)); held != 20 || err != nil {
		t.Errorf("Begin has %d bytes, %v", held, err)
	}
	other := bytes.Repeat([]byte("x"), len(snapshotData))
	if err := clone.Write(testGroup, 2, 20, other[20:]); err != nil {
		t.Error(err)
	}
	if err := putSnapshot(s, 2, snapshotData); err != nil {
		t.Error(err)
	}
	requireSnapshots(t, s, snapshotData, 2, 1)
	requireSnapshots(t, clone, snapshotData, 1)
	if err := clone.Delete(testGroup, 1); err != nil {
		t.Error(err)
	}
	requireSnapshots(t, s, snapshotData, 2, 1)
}

func TestSnapshotDelaysAndStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSnapshots()
		s.SetDelays(time.Second, time.Minute, time.Hour)
		start := time.Now()
		if err := putSnapshot(s, 1, snapshotData); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 4*time.Second+time.Minute {
			t.Errorf("writing took %v", took)
		}
		start = time.Now()
		requireSnapshots(t, s, snapshotData, 1)
		if took := time.Since(start); took != time.Hour {
			t.Errorf("reading took %v", took)
		}
		s.SetDelays(0, 0, 0)
		s.Stall()
		s.Stall()
		done := make(chan error, 1)
		go func() { done <- putSnapshot(s, 2, snapshotData) }()
		synctest.Wait()
		requireSnapshots(t, s, snapshotData, 1) // Reads go on.
		if len(done) > 0 {
			t.Error("written in spite of the stall")
		}
		s.Resume()
		s.Resume()
		if err := <-done; err != nil {
			t.Error(err)
		}
		requireSnapshots(t, s, snapshotData, 2, 1)
	})
}

// Every misuse has an error by name.
func TestSnapshotErrorsByName(t *testing.T) {
	s := NewSnapshots()
	if err := putSnapshot(s, 1, snapshotData); err != nil {
		t.Fatal(err)
	}
	known := snapshotMeta(2)
	known.Size = 5
	external := snapshotMeta(3)
	external.External = true
	begin := func(meta wire.SnapshotMeta) func() error {
		return func() error { _, err := s.Begin(testGroup, meta); return err }
	}
	write := func(id wire.SnapshotID, offset uint64) func() error {
		return func() error { return s.Write(testGroup, id, offset, snapshotData) }
	}
	for _, test := range []struct {
		what string
		want error
		do   func() error
	}{
		{"Begin of what is published", ErrSnapshotExists, begin(snapshotMeta(1))},
		{"Begin of what cannot be", ErrInvalidSnapshot, begin(wire.SnapshotMeta{ID: 7})},
		{"Write without Begin", ErrNoSnapshot, write(2, 0)},
		{"a read of what is not there", ErrNoSnapshot, func() error { _, err := readSnapshot(s, 2); return err }},
		{"Begin", nil, begin(snapshotMeta(2))},
		{"Write behind the end", ErrSnapshotOffset, write(2, 1)},
		{"Write, after that", nil, write(2, 0)},
		{"Publish of another size", ErrSnapshotMismatch, func() error { return publishSnapshot(s, 2, snapshotData[1:]) }},
		{"Publish, after that", ErrNoSnapshot, func() error { return publishSnapshot(s, 2, snapshotData) }},
		{"Begin, the size being known", nil, begin(known)},
		{"Write beyond it", ErrSnapshotMismatch, write(2, 0)},
		{"Begin, the size being known, again", nil, begin(known)},
		{"Publish of less", ErrSnapshotMismatch, func() error { return publishSnapshot(s, 2, nil) }},
		{"Begin of an external one", nil, begin(external)},
		{"Write to it", ErrSnapshotMismatch, write(3, 0)},
	} {
		if err := test.do(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.what, err, test.want)
		}
	}
	requireSnapshots(t, s, snapshotData, 1)
}
