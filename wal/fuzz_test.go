// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// FuzzDamage overwrites a part of a log with arbitrary bytes: the log is refused, or
// has what it had, or, if nothing proves that it was synced, lacks the last batch.
func FuzzDamage(f *testing.F) {
	d := newDamaged(f, false)
	files := d.files(f)
	f.Add(uint8(0), uint16(0), []byte("balsawal"))
	f.Add(uint8(2), uint16(d.last.end-512), make([]byte, 512))
	f.Add(uint8(2), uint16(d.last.end), []byte{0x62, 0x74, 0x63, 0x68})
	f.Fuzz(func(t *testing.T, which uint8, offset uint16, data []byte) {
		path := files[int(which)%len(files)]
		disk := d.disk.CrashClone(vfs.LoseAll)
		content := readFile(t, disk, path)
		copy(content[int(offset)%len(content):], data)
		replaceFile(t, disk, path, content)
		mayLoseLast := path == d.lastFile
		d.reopen(t, disk, mayLoseLast, "%d bytes at %d of %s", len(data), offset, path)
	})
}

// FuzzReplay makes batches of arbitrary records, with good checksums: the log is
// refused, or it is consistent, and goes on being so.
func FuzzReplay(f *testing.F) {
	good := wire.AppendEntry(nil, wire.Entry{Index: 1, Term: 1, Kind: wire.EntryMembership, Data: []byte("x")})
	f.Add(uint8(recordEntries), uint64(1), uint64(1), uint64(1), good, uint8(recordCompact), uint64(1), uint64(1))
	f.Add(uint8(recordReset), uint64(1), uint64(5), uint64(9), []byte{}, uint8(recordCompact), uint64(5), uint64(9))
	f.Add(uint8(recordHardState), uint64(1), uint64(5), uint64(9), []byte{}, uint8(recordReset), ^uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, kind uint8, group, a, b uint64, body []byte, kind2 uint8, a2, b2 uint64) {
		if len(body) > segmentBytesMin/2 {
			return
		}
		disk := vfs.NewMem()
		l := mustOpen(t, testOptions(disk))
		must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a", "b")}, {Group: 2, Entries: entries(1, 1, "c")}}))
		s := l.index.active()
		l.encoder.begin(s, l.tail.end, batchHeaderBytes+2*recordHeaderBytes+len(body))
		for _, r := range []record{
			{kind: recordKind(kind), group: wire.GroupID(group), a: a, b: b, body: body},
			{kind: recordKind(kind2), group: 1, a: a2, b: b2},
		} {
			start := l.encoder.startRecord()
			l.encoder.buf = append(l.encoder.buf, r.body...)
			l.encoder.finishRecord(start, r)
		}
		must(t, l.commit(s))
		must(t, l.Close())

		l, err := Open(testOptions(disk))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		want, err := contents(l)
		must(t, err)
		must(t, l.Close())
		after := image{disk: disk, legal: []string{want}}
		after.check(t, testOptions(nil))
	})
}

// FuzzRecord decodes arbitrary bytes as a record, with and without a good checksum.
func FuzzRecord(f *testing.F) {
	f.Add(make([]byte, recordHeaderBytes), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, buf []byte, fix bool) {
		if fix && len(buf) >= recordHeaderBytes {
			r := record{kind: recordKind(buf[12]), group: 1, a: le.Uint64(buf[24:]), b: le.Uint64(buf[32:])}
			finishRecord(buf, 7, 9, r)
		}
		r, _, size, problem := parseRecord(buf, 7, 9)
		if problem != "" {
			return
		}
		if size > len(buf) || size < recordHeaderBytes {
			t.Fatalf("a record of %d bytes in %d", size, len(buf))
		}
		if r.kind != recordEntries {
			return
		}
		decoded, problem := r.appendEntries(nil)
		if problem == "" && uint64(len(decoded)) != r.b {
			t.Fatalf("%d entries, want %d", len(decoded), r.b)
		}
	})
}
