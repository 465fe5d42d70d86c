// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// The process dies before it has synced a batch that fills the segment to its end. The
// next one finds it in the system's cache and has no room for a batch behind it, whose
// sync would be one of this, too. What it says is there must stay when the power fails.
func TestKilledBeforeSyncInFullSegment(t *testing.T) {
	disk := vfs.NewMem()
	options := testOptions(disk)
	l := mustOpen(t, options)
	s := l.index.active()
	payload := strings.Repeat("x", l.room()-options.withDefaults().BlockBytes/2)
	l.encoder.begin(s, l.tail.end, l.room())
	l.encoder.update(&wire.Update{Group: 1, Entries: entries(1, 1, payload)}, wire.LogID{})
	buf, after := l.encoder.finish(l.tail)
	if after.end != s.limit() {
		t.Fatalf("the batch ends at %d, the segment at %d", after.end, s.limit())
	}
	_, err := s.file.WriteAt(buf, int64(l.tail.end))
	must(t, err)
	must(t, l.lock.Close()) // As the system does when the process is gone.

	l = mustOpen(t, options)
	got, err := contents(l)
	must(t, err)
	if got == "" || l.room() > 0 {
		t.Errorf("there is room for %d bytes, and the log has %q", l.room(), got)
	}
	lost := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{got}}
	lost.check(t, options)
	must(t, l.Close())
}
