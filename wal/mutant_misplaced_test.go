// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// A whole record turns up where another was written: the disk has missed the write, or
// put the older one in the wrong place. Group, index and size are the same, so only the
// place that goes into the checksum tells them apart.
func TestMisplacedRecords(t *testing.T) {
	older := wire.Update{Group: 1, Entries: entries(1, 1, strings.Repeat("o", 900))}
	newer := wire.Update{Group: 1, Entries: entries(2, 1, strings.Repeat("n", 900))}
	for name, isRolled := range map[string]bool{"in the same segment": false, "in an older segment": true} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMem()
			l := mustOpen(t, testOptions(disk))
			must(t, l.Save([]wire.Update{older}))
			from := l.index.groups[1].runs[0]
			for i := wire.Index(1); isRolled && batchHeaderBytes+updateBytes(&newer) <= l.room(); i++ {
				saveOne(t, l, 2, i, i)
			}
			must(t, l.Save([]wire.Update{newer}))
			to := l.index.groups[1].runs[0]
			if isMoved := to.segment != from.segment; isMoved != isRolled || isMoved && to.offset != from.offset || to.bytes != from.bytes {
				t.Fatalf("one record at %+v, the other at %+v", from, to)
			}
			saveOne(t, l, 3, 1, 1) // Proves that all before it was whole.

			record := readFile(t, l.fs, l.index.segment(from.segment).path)[from.offset : from.offset+from.bytes]
			file, err := l.fs.Open(l.index.segment(to.segment).path)
			must(t, err)
			_, err = file.WriteAt(record, int64(to.offset))
			must(t, err)
			must(t, errors.Join(file.Sync(), file.Close()))

			if found, err := l.Entries(1, 1, 1, 1000); !errors.Is(err, ErrCorrupt) {
				t.Errorf("read %v, %v", found, err)
			}
			must(t, l.Close())
			if l, err := Open(testOptions(disk)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("opened: %v", errors.Join(err, l.Close()))
			}
		})
	}
}
