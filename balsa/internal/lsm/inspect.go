// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// dumpBufferBytes is how much WriteDump writes at a time.
const dumpBufferBytes = 64 << 10

// Summarize hashes the whole state, as it is when it is called. Commands go on meanwhile. If the state
// cannot be read, the summary has no hash, and the machine halts unless it is closed.
func (m *Machine) Summarize() kv.Summary {
	m.inspecting.Lock()
	defer m.inspecting.Unlock()
	summary, err := m.summarize()
	if err != nil && !errors.Is(err, ErrClosed) {
		m.halt(fmt.Errorf("lsm: summarize: %w", err))
	}
	return summary
}

func (m *Machine) summarize() (summary kv.Summary, err error) {
	c, err := m.capture()
	if err != nil {
		return kv.Summary{}, err
	}
	s := kv.NewSummarizer(c.moment)
	for {
		key, value, expireAt, ok, err := c.next()
		if err != nil {
			return kv.Summary{}, errors.Join(err, c.Close())
		}
		if !ok {
			return s.Summary(), c.Close()
		}
		s.Add(kv.NewItem(key, value, expireAt))
	}
}

// WriteDump writes what kv.Machine.WriteDump writes, of the state as it is when it is called. Commands go
// on meanwhile, and no other Summarize or WriteDump. To sort, it writes a copy to the folder, which it
// removes. The machine goes on after an error.
func (m *Machine) WriteDump(w io.Writer) error {
	m.inspecting.Lock()
	defer m.inspecting.Unlock()
	c, err := m.capture()
	if err != nil {
		return err
	}
	dir := m.options.FS.PathJoin(m.dir, dumpName)
	err = errors.Join(m.options.FS.RemoveAll(dir), m.sortedDump(dir, c, w))
	if err = errors.Join(err, c.Close(), m.options.FS.RemoveAll(dir)); err != nil {
		return fmt.Errorf("lsm: write dump: %w", err)
	}
	return nil
}

// sortedDump puts the items into a database with their keys as its keys, and writes what is in it.
func (m *Machine) sortedDump(dir string, c *capture, w io.Writer) error {
	db, err := m.options.openDB(dir, true)
	if err != nil {
		return err
	}
	err = copySorted(db, c)
	if err == nil {
		err = writeSorted(db, w)
	}
	return errors.Join(err, db.Close())
}

func copySorted(db *pebble.DB, c *capture) (err error) {
	batch := db.NewBatch()
	defer func() { err = errors.Join(err, batch.Close()) }()
	var stored, content []byte
	for {
		key, value, expireAt, ok, err := c.next()
		if err != nil {
			return err
		}
		if ok && (expireAt == 0 || expireAt > c.moment.Clock) {
			stored = append(append(stored[:0], itemLetter), key...) // No key may be empty.
			content = appendItemValue(content[:0], expireAt, value, nil)
			if err := batch.Set(stored, content, nil); err != nil {
				return err
			}
		}
		if !ok || batch.Len() >= restoreBatchBytes {
			if err := db.Apply(batch, pebble.NoSync); err != nil || !ok {
				return err
			}
			batch.Reset()
		}
	}
}

func writeSorted(db *pebble.DB, w io.Writer) (err error) {
	items, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, items.Close()) }()
	buffered := bufio.NewWriterSize(w, dumpBufferBytes)
	var line []byte
	for valid := items.First(); valid; valid = items.Next() {
		content, err := items.ValueAndErr()
		if err != nil {
			return err
		}
		value, expireAt, err := splitItemValue(content)
		if err != nil {
			return err
		}
		line = kv.AppendDumpLine(line[:0], string(items.Key()[1:]), value, expireAt)
		if _, err := buffered.Write(line); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
