// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/balsa-raft/raft"
)

// Summary identifies a state: members that applied the same log up to the same
// index have equal summaries.
type Summary struct {
	// Applied is the index of the last command applied.
	Applied raft.Index
	// Keys is the number of keys that have not expired.
	Keys int
	// Hash is the SHA-256 of the clock and of all keys, values and expiries, in hexadecimal.
	Hash string
}

// KeyValue is one key as Dump shows it.
type KeyValue struct {
	Key, Value string
	// ExpireAt is in Unix milliseconds, zero for never.
	ExpireAt int64
}

// Summarize hashes the whole state. Commands wait meanwhile.
func (m *Machine) Summarize() Summary {
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := sha256.New()
	var buf []byte
	buf = binary.LittleEndian.AppendUint64(buf, uint64(m.clock))
	h.Write(buf)
	keys := 0
	m.store.ascend(0, func(i *item) bool {
		if m.isExpired(i) {
			return true
		}
		keys++
		buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(len(i.key)))
		buf = append(buf, i.key...)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(i.expireAt))
		buf = append(buf, i.bulk...)
		h.Write(buf)
		return true
	})
	return Summary{Applied: m.applied, Keys: keys, Hash: hex.EncodeToString(h.Sum(nil))}
}

// Dump returns a copy of what has not expired, sorted by key. Commands wait meanwhile.
func (m *Machine) Dump() []KeyValue {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []KeyValue
	m.store.ascend(0, func(i *item) bool {
		if !m.isExpired(i) {
			all = append(all, KeyValue{Key: i.key, Value: string(i.value()), ExpireAt: i.expireAt})
		}
		return true
	})
	slices.SortFunc(all, func(a, b KeyValue) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Applied returns the index of the last command applied.
func (m *Machine) Applied() raft.Index {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.applied
}

// Keys returns the number of keys in memory, also those that have expired and
// were not freed yet.
func (m *Machine) Keys() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.store.byKey)
}
