// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// ErrNoState means that there is no state in a folder that was to be read.
var ErrNoState = errors.New("lsm: no state here")

// View is the state of a machine that does not run, to be read by one goroutine.
type View struct {
	generation *generation
	moment     kv.Moment
	items      int
}

// OpenView opens the state in a folder whose machine is not open, and changes nothing, but that
// the folder is locked until the view is closed. The error wraps ErrNoState if there is none.
func OpenView(dir string, options Options) (*View, error) {
	options = options.withDefaults()
	if _, err := options.FS.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoState, err)
	}
	number, err := readCurrent(&options, dir)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoState, dir)
	}
	g := &generation{options: &options, dir: stateDir(&options, dir, number), number: number, users: 1}
	g.db, err = pebble.Open(g.dir, &pebble.Options{
		FS: options.FS, Logger: logger{&options}, ReadOnly: true, MaxOpenFiles: openFilesMax,
	})
	if err != nil {
		return nil, fmt.Errorf("lsm: read %s: %w", g.dir, err)
	}
	v := &View{generation: g}
	if v.moment, v.items, err = readMeta(g.db); err != nil {
		return nil, errors.Join(err, g.release())
	}
	return v, nil
}

// Applied returns the LogID of the last command in the state.
func (v *View) Applied() raft.LogID { return v.moment.Applied }

// Keys returns the number of keys, also those that have expired and were not deleted yet.
func (v *View) Keys() int { return v.items }

// Snapshot returns what Machine.Snapshot would. It is to be closed before the view.
func (v *View) Snapshot() io.ReadCloser {
	v.generation.use()
	c := &capture{moment: v.moment, items: v.items, generation: v.generation, snapshot: v.generation.db.NewSnapshot()}
	return kv.NewSnapshotReader(c.moment, uint64(c.items), c)
}

// Close closes the state.
func (v *View) Close() error { return v.generation.release() }
