// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/balsa-raft/raft"
)

// handmade returns a snapshot with what append puts between header and footer.
func handmade(items uint64, records func(buf []byte, tally *Tally) []byte) []byte {
	tally := Tally{}
	buf := records(appendSnapshotHeader(nil, Moment{}, items), &tally)
	return appendSnapshotFooter(buf, &tally)
}

func twoRecords(first, second string) []byte {
	return handmade(2, func(buf []byte, tally *Tally) []byte {
		return AppendRecord(AppendRecord(buf, tally, first, []byte("1"), 0), tally, second, []byte("2"), 0)
	})
}

// oneRecord returns a snapshot of a record that begins with these three numbers.
func oneRecord(keyBytes, valueBytes, expireAt uint64) []byte {
	return handmade(1, func(buf []byte, tally *Tally) []byte {
		*tally = Tally{Items: 1, KeyBytes: 1, ValueBytes: 1}
		for _, n := range []uint64{keyBytes, valueBytes, expireAt} {
			buf = binary.AppendUvarint(buf, n)
		}
		return append(buf, "kv"...)
	})
}

func TestRestoreRefuses(t *testing.T) {
	good := twoRecords("foobar", "a") // In the order of SCAN.
	if restored(t, good).Keys() != 2 || restored(t, oneRecord(2, 1, 0)).Keys() != 1 {
		t.Fatal("what the others are made of is not good")
	}
	end := len(good) - 1 - snapshotFooterBytes
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrSnapshotMalformed},
		{"something else", changed(good, 0, 'B'), ErrSnapshotMalformed},
		{"a newer version", changed(good, len(snapshotMagic), 2), ErrSnapshotUnsupported},
		{"version zero", changed(good, len(snapshotMagic), 0), ErrSnapshotUnsupported},
		{"more items in the header", changed(good, snapshotHeaderBytes-8, 3), ErrSnapshotMalformed},
		{"another section", changed(good, snapshotHeaderBytes, 2), ErrSnapshotMalformed},
		{"other items in the footer", changed(good, end, 3), ErrSnapshotMalformed},
		{"other bytes of keys", changed(good, end+8, 3), ErrSnapshotMalformed},
		{"other bytes of values", changed(good, end+16, 3), ErrSnapshotMalformed},
		{"another end", changed(good, len(good)-1, 1), ErrSnapshotMalformed},
		{"bytes behind the end", append(good[:len(good):len(good)], 0), ErrSnapshotMalformed},
		{"the wrong order", twoRecords("a", "foobar"), ErrSnapshotMalformed},
		{"a key twice", twoRecords("a", "a"), ErrSnapshotMalformed},
		{"a key too long", oneRecord(snapshotFieldBytesMax+2, 1, 0), ErrSnapshotMalformed},
		{"a value too long", oneRecord(2, snapshotFieldBytesMax+1, 0), ErrSnapshotMalformed},
		{"a negative expiry", oneRecord(2, 1, math.MaxInt64+1), ErrSnapshotMalformed},
		{"a number not in its shortest form", handmade(1, func(buf []byte, tally *Tally) []byte {
			*tally = Tally{Items: 1, KeyBytes: 1, ValueBytes: 1}
			return append(buf, 2, 1, 0x80, 0, 'k', 'v')
		}), ErrSnapshotMalformed},
		{"a number too long", append(good[:snapshotHeaderBytes+1:snapshotHeaderBytes+1],
			bytes.Repeat([]byte{0xff}, 20)...), ErrSnapshotMalformed},
	}
	for n := range good {
		tests = append(tests, struct {
			name string
			data []byte
			want error
		}{"cut short", good[:n], ErrSnapshotMalformed})
	}
	for _, test := range tests {
		m := filled(t, 3)
		if err := m.Restore(bytes.NewReader(test.data)); !errors.Is(err, test.want) {
			t.Errorf("%s (%d bytes): %v, want %v", test.name, len(test.data), err, test.want)
		}
		if m.Keys() != 0 {
			t.Errorf("%s: %d keys stay", test.name, m.Keys())
		}
	}
}

// TestRestoredBlocksDoNotOverlap overwrites and appends to values that share a block.
func TestRestoredBlocksDoNotOverlap(t *testing.T) {
	p := &player{machine: restored(t, encoded(t, filled(t, 1000))), index: 1000}
	before := p.machine.Dump()
	for i := 0; i < len(before); i += 2 {
		p.do(op(OpAppend, before[i].Key, "x"))
	}
	for i, kv := range p.machine.Dump() {
		want := before[i].Value
		if i%2 == 0 {
			want += "x"
		}
		if kv.Key != before[i].Key || kv.Value != want {
			t.Fatalf("%q has become %q", kv.Key, kv.Value)
		}
	}
}

// TestOverwrittenBlocksAreFreed overwrites all values of a restored state with small ones. What
// was restored must not stay for the sake of the keys.
func TestOverwrittenBlocksAreFreed(t *testing.T) {
	const count, valueBytes = 4000, 1000
	var entries []raft.Entry
	set := func(value []byte) {
		for i := range count {
			c := op(OpSet, fmt.Sprint("key", i), string(value))
			entries = append(entries, raft.Entry{Index: raft.Index(len(entries) + 1), Term: 1, Data: c.Append(nil)})
		}
	}
	set(make([]byte, valueBytes))
	set(nil)
	filled := NewMachine()
	filled.Apply(entries[:count])
	m := restored(t, encoded(t, filled))
	before := heapBytes()
	m.Apply(entries[count:])
	if freed := int64(before) - int64(heapBytes()); freed < count*valueBytes*9/10 {
		t.Errorf("%d values of %d bytes are overwritten, and %d bytes freed", count, valueBytes, freed)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(filled)
	runtime.KeepAlive(entries)
}

// FuzzRestore restores whatever it is given: no input may make it fail, and what it
// accepts is what it would give.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(snapshotMagic))
	f.Add(twoRecords("foobar", "a"))
	f.Add(twoRecords("a", "foobar"))
	f.Add(oneRecord(2, 1, 77))
	f.Add(oneRecord(snapshotFieldBytesMax+1, snapshotFieldBytesMax, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := NewMachine()
		err := m.Restore(bytes.NewReader(data))
		if err != nil && !errors.Is(err, ErrSnapshotMalformed) && !errors.Is(err, ErrSnapshotUnsupported) {
			t.Fatalf("an error without a name: %v", err)
		}
		if err == nil && !bytes.Equal(encoded(t, m), data) {
			t.Fatalf("%x is accepted and becomes %x", data, encoded(t, m))
		}
		if err != nil && m.Keys() != 0 {
			t.Fatalf("%d keys after %v", m.Keys(), err)
		}
	})
}
