// SPDX-License-Identifier: Apache-2.0

package applier_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/applier"
	"github.com/balsa-raft/raft/wire"
)

// durable is a state machine that keeps its state itself.
type durable struct {
	*world
	restoreErr, syncErr error
}

func (d *durable) Snapshot() (io.ReadCloser, error) { return nil, errors.New("not captured") }

func (d *durable) Restore(io.Reader) error {
	d.note("restore")
	return d.restoreErr
}

func (d *durable) Sync() error {
	d.note("sync")
	return d.syncErr
}

// TestRestoredStateIsDurableBeforeItIsReliedOn: as soon as the group is told that a snapshot is
// restored, the snapshot may be deleted, and the state has to be there after a crash without it.
func TestRestoredStateIsDurableBeforeItIsReliedOn(t *testing.T) {
	planted := errors.New("planted")
	for name, c := range map[string]struct {
		restoreErr, syncErr error
		want                []string
	}{
		"as it should be":   {nil, nil, []string{"restore", "sync", "restored", "through 4"}},
		"the restore fails": {planted, nil, []string{"restore", "restore failed"}},
		"the sync fails":    {nil, planted, []string{"restore", "sync", "failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			a := applier.New(&durable{w, c.restoreErr, c.syncErr}, w, w, applier.Point{}, 1<<20, 1)
			a.Restore(wire.SnapshotMeta{ID: 1, Last: wire.LogID{Term: 1, Index: 4}}, func() io.ReadCloser { return io.NopCloser(strings.NewReader("")) })
			for a.Step() {
			}
			if !slices.Equal(w.journal, c.want) {
				t.Fatalf("what happened is %q, want %q", w.journal, c.want)
			}
			if isFinal := w.failure != nil; isFinal != slices.Contains(c.want, "failed") {
				t.Fatalf("the applier has failed with %v", w.failure)
			}
		})
	}
}
