// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// restoreBatchBytes is how much Restore collects before it hands it to the database.
const restoreBatchBytes = 1 << 20

// Restore replaces the state with that of a snapshot, durably and in one step: after an error, and
// after a crash at any moment, the state is the old one or the new one. The disk holds both
// until the new one is whole, and the old one for as long as captures of it are open. A
// machine that has halted stays so.
func (m *Machine) Restore(r io.Reader) error {
	if err := m.Err(); err != nil {
		return fmt.Errorf("lsm: restore a halted machine: %w", err)
	}
	d, err := kv.NewSnapshotDecoder(r)
	if err != nil {
		return err
	}
	if err := m.settle(); err != nil {
		return err
	}
	m.generations++ // A number is never used twice: CURRENT might hold it after all.
	number := m.generations
	var g *generation
	if err = m.build(number, d); err == nil {
		g, err = openGeneration(&m.options, m.dir, number)
	}
	if err != nil {
		return errors.Join(err, m.options.FS.RemoveAll(stateDir(&m.options, m.dir, number)))
	}
	if written, err := writeCurrent(&m.options, m.dir, number); err != nil {
		if written {
			m.doubtful = number
		} else {
			g.outdate()
		}
		return errors.Join(err, g.release())
	}
	before := m.adopt(g, d.Moment(), int(d.Items()))
	before.outdate()
	if err := before.release(); err != nil {
		m.options.Logger.Warn("lsm: the state before a restore is not removed", "err", err) // Open will.
	}
	return nil
}

// settle makes sure that CURRENT names the machine's database, and removes the one that it
// may name after a Restore that has failed: so there is one such at most.
func (m *Machine) settle() error {
	if m.doubtful == 0 {
		return nil
	}
	m.mu.Lock()
	number := m.current.number
	m.mu.Unlock()
	if _, err := writeCurrent(&m.options, m.dir, number); err != nil {
		return err
	}
	path := stateDir(&m.options, m.dir, m.doubtful)
	m.doubtful = 0
	if err := m.options.FS.RemoveAll(path); err != nil {
		return fmt.Errorf("lsm: remove %s: %w", path, err)
	}
	return nil
}

// build makes a database of a snapshot, durable but for the name of its folder.
func (m *Machine) build(number uint64, d *kv.SnapshotDecoder) error {
	dir := stateDir(&m.options, m.dir, number)
	db, err := m.options.openDB(dir, true)
	if err != nil {
		return fmt.Errorf("lsm: open %s: %w", dir, err)
	}
	l := &loader{db: db, batch: db.NewBatch()}
	err = l.load(d)
	err = errors.Join(err, l.batch.Close())
	if err == nil {
		err = db.Flush()
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("lsm: restore to %s: %w", dir, err)
	}
	return nil
}

// loader writes a snapshot to an empty database.
type loader struct {
	db         *pebble.DB
	batch      *pebble.Batch
	key, value []byte
}

func (l *loader) load(d *kv.SnapshotDecoder) error {
	for {
		r, err := d.Next()
		if errors.Is(err, io.EOF) {
			return l.finish(d)
		}
		if err == nil {
			err = l.add(&r)
		}
		if err != nil {
			return err
		}
	}
}

func (l *loader) add(r *kv.Record) error {
	l.key = appendItemKey(l.key[:0], r.Position, r.Key)
	l.value = appendItemValue(l.value[:0], r.ExpireAt, r.Value, nil)
	if err := l.batch.Set(l.key, l.value, nil); err != nil {
		return err
	}
	if r.ExpireAt != 0 {
		l.key = appendExpiryKey(l.key[:0], r.ExpireAt, r.Key)
		if err := l.batch.Set(l.key, nil, nil); err != nil {
			return err
		}
	}
	if l.batch.Len() < restoreBatchBytes {
		return nil
	}
	return l.write()
}

func (l *loader) finish(d *kv.SnapshotDecoder) error {
	l.value = appendMeta(l.value[:0], d.Moment(), int(d.Items()))
	if err := l.batch.Set(metaKey, l.value, nil); err != nil {
		return err
	}
	return l.write()
}

func (l *loader) write() error {
	err := l.db.Apply(l.batch, pebble.NoSync)
	l.batch.Reset()
	return err
}
