// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// capture is the state at one moment. It is read by one goroutine.
type capture struct {
	moment     kv.Moment
	items      int
	generation *generation
	snapshot   *pebble.Snapshot
	iterator   *pebble.Iterator // from the first AppendRecords on
}

var _ kv.SnapshotSource = (*capture)(nil)

// capture captures the state behind some Apply, behind the latest if the applier calls it.
func (m *Machine) capture() (*capture, error) {
	m.mu.Lock()
	g := m.current
	if g != nil {
		g.use()
	}
	m.mu.Unlock()
	if g == nil {
		return nil, ErrClosed
	}
	c := &capture{generation: g, snapshot: g.db.NewSnapshot()}
	var err error
	if c.moment, c.items, err = readMeta(c.snapshot); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Snapshot captures the state, in the format of docs/formats-kv-snapshot.md. It is read from the
// database as it goes; what has been changed or deleted meanwhile stays on disk until the capture is closed.
//
// A machine that has halted makes no snapshots, because its state is not that of the log.
func (m *Machine) Snapshot() (io.ReadCloser, error) {
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("lsm: snapshot of a halted machine: %w", err)
	}
	c, err := m.capture()
	if err != nil {
		return nil, err
	}
	return kv.NewSnapshotReader(c.moment, uint64(c.items), c), nil
}

// AppendRecords appends the next items.
func (c *capture) AppendRecords(buf []byte, chunk int, tally *kv.Tally) (grown []byte, more bool, err error) {
	for len(buf) < chunk {
		key, value, expireAt, ok, err := c.next()
		if err != nil || !ok {
			return buf, false, err
		}
		buf = kv.AppendRecord(buf, tally, key, value, expireAt)
	}
	return buf, true, nil
}

// next returns the next item, which is valid until the next call.
func (c *capture) next() (key, value []byte, expireAt int64, ok bool, err error) {
	if c.iterator == nil {
		c.iterator, err = c.snapshot.NewIter(&pebble.IterOptions{LowerBound: itemsFrom, UpperBound: itemsTo})
		if err != nil {
			return nil, nil, 0, false, fmt.Errorf("lsm: read items: %w", err)
		}
		ok = c.iterator.First()
	} else {
		ok = c.iterator.Next()
	}
	if !ok {
		if err = c.iterator.Error(); err != nil {
			err = fmt.Errorf("lsm: read items: %w", err)
		}
		return nil, nil, 0, false, err
	}
	content, err := c.iterator.ValueAndErr()
	if err != nil {
		return nil, nil, 0, false, fmt.Errorf("lsm: read items: %w", err)
	}
	if key, err = splitItemKey(c.iterator.Key()); err == nil {
		value, expireAt, err = splitItemValue(content)
	}
	return key, value, expireAt, err == nil, err
}

// Close releases the database. It is called once.
func (c *capture) Close() error {
	var err error
	if c.iterator != nil {
		err = c.iterator.Close()
	}
	return errors.Join(err, c.snapshot.Close(), c.generation.release())
}
