// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft"
)

// Summary identifies a state: members that applied the same log up to the same
// index have equal summaries, whatever their engines.
type Summary struct {
	// Applied is the index of the last command applied.
	Applied raft.Index
	// Keys is the number of keys that have not expired.
	Keys int
	// Hash is the SHA-256 of the clock and of all keys, values and expiries, in hexadecimal.
	Hash string
}

// KeyValue is one key as Machine.Dump shows it.
type KeyValue struct {
	Key, Value string
	// ExpireAt is in Unix milliseconds, zero for never.
	ExpireAt int64
}

// Summarize hashes the whole state, as it is when it is called. Commands go on meanwhile.
func (m *Machine) Summarize() Summary {
	c, done := m.inspect()
	defer done()
	s := NewSummarizer(c.moment)
	c.order.Scan(func(i *Item) bool {
		s.Add(i)
		return true
	})
	return s.Summary()
}

// inspect captures the state for one reader at a time, which calls done at the end.
func (m *Machine) inspect() (c *capture, done func()) {
	m.inspecting.Lock()
	c = m.capture()
	return c, func() {
		c.close()
		m.inspecting.Unlock()
	}
}

// Dump returns a copy of what has not expired, sorted by key, as it is when it is called.
// Commands go on meanwhile.
func (m *Machine) Dump() []KeyValue {
	c, done := m.inspect()
	defer done()
	var all []KeyValue
	for _, i := range c.sorted() {
		all = append(all, KeyValue{Key: i.key, Value: string(i.Value()), ExpireAt: i.expireAt})
	}
	return all
}

// WriteDump writes what has not expired for people to read and to compare, sorted by key, as it is when it is
// called: see AppendDumpLine. Members that applied the same log up to the same index write the same
// bytes. Commands go on meanwhile, and no other Dump or Summarize.
func (m *Machine) WriteDump(w io.Writer) error {
	c, done := m.inspect()
	defer done()
	buffered := bufio.NewWriterSize(w, snapshotChunkBytes)
	var line []byte
	for _, i := range c.sorted() {
		line = AppendDumpLine(line[:0], i.key, i.Value(), i.expireAt)
		if _, err := buffered.Write(line); err != nil {
			return fmt.Errorf("kv: write dump: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("kv: write dump: %w", err)
	}
	return nil
}

// AppendDumpLine appends the line of a key in a dump: key and value quoted as Go does, the time of
// expiry in Unix milliseconds or - for never, with single spaces between them.
func AppendDumpLine(line []byte, key string, value []byte, expireAt int64) []byte {
	line = append(strconv.AppendQuote(line, key), ' ')
	line = append(strconv.AppendQuote(line, string(value)), ' ')
	if expireAt == 0 {
		return append(line, "-\n"...)
	}
	return append(strconv.AppendInt(line, expireAt, 10), '\n')
}

// sorted returns the items that have not expired, by key.
func (c *capture) sorted() []*Item {
	items := make([]*Item, 0, c.order.Len())
	c.order.Scan(func(i *Item) bool {
		if !i.isExpired(c.moment.Clock) {
			items = append(items, i)
		}
		return true
	})
	slices.SortFunc(items, func(a, b *Item) int { return strings.Compare(a.key, b.key) })
	return items
}

// Summarizer makes the Summary of a state.
type Summarizer struct {
	moment Moment
	keys   int
	hash   hash.Hash
	buf    []byte
}

// NewSummarizer begins the summary of a state at a moment.
func NewSummarizer(moment Moment) *Summarizer {
	s := &Summarizer{moment: moment, hash: sha256.New()}
	s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(moment.Clock))
	s.hash.Write(s.buf)
	return s
}

// Add adds the next item in the order of SCAN.
func (s *Summarizer) Add(i *Item) {
	if i.isExpired(s.moment.Clock) {
		return
	}
	s.keys++
	s.buf = binary.LittleEndian.AppendUint64(s.buf[:0], uint64(len(i.key)))
	s.buf = append(s.buf, i.key...)
	s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(i.expireAt))
	s.buf = append(s.buf, i.bulk...)
	s.hash.Write(s.buf)
}

// Summary returns the summary of what has been added.
func (s *Summarizer) Summary() Summary {
	return Summary{Applied: s.moment.Applied.Index, Keys: s.keys, Hash: hex.EncodeToString(s.hash.Sum(nil))}
}

// Applied returns the index of the last command applied.
func (m *Machine) Applied() raft.Index {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.interpreter.Moment().Applied.Index
}

// Keys returns the number of keys in memory, also those that have expired and
// were not freed yet.
func (m *Machine) Keys() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.memory.Len()
}
