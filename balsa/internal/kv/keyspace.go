// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"strconv"

	"github.com/tidwall/redcon"
)

func (m *Machine) del(c *Command) []byte {
	n := int64(0)
	for _, key := range c.Args {
		if i := m.find(key); i != nil {
			m.store.remove(i)
			n++
		}
	}
	return m.integer(n)
}

func (m *Machine) exists(c *Command) []byte {
	n := int64(0)
	for _, key := range c.Args {
		if m.find(key) != nil {
			n++
		}
	}
	return m.integer(n)
}

func (m *Machine) typeOf(c *Command) []byte {
	if m.find(c.Args[0]) == nil {
		return replyNone
	}
	return replyString
}

// dbSize frees everything that has expired, so that what is left can be counted.
// Each key is freed once, so this is paid for by what made it expire.
func (m *Machine) dbSize(*Command) []byte {
	m.evict(len(m.store.expiries))
	return m.integer(int64(len(m.store.byKey)))
}

func (m *Machine) flush(*Command) []byte {
	m.store = newStore()
	return replyOK
}

func (m *Machine) keys(c *Command) []byte {
	found := keyList{}
	m.store.ascend(0, func(i *item) bool {
		m.collect(&found, i, c.Args)
		return found.size <= ReplyBytesMax
	})
	if found.size > ReplyBytesMax {
		return replyTooLarge
	}
	return found.reply(make([]byte, 0, found.size+integerReplyBytesMax))
}

// scan returns the matching keys among the next Count in order of position. Keys
// at the same position come in one reply, so that the cursor, which is the position
// of the first key not looked at, misses none that was there all the time.
func (m *Machine) scan(c *Command) []byte {
	found, next := keyList{}, uint64(0)
	looked, last := int64(0), uint64(0)
	count := min(max(c.Count, 1), ScanCountMax)
	m.store.ascend(uint64(c.Number), func(i *item) bool {
		full := looked >= count || found.size > ReplyBytesMax/2
		if full && i.position != last {
			next = i.position
			return false
		}
		looked, last = looked+1, i.position
		m.collect(&found, i, c.Args)
		return true
	})
	reply := redcon.AppendArray(nil, 2)
	reply = redcon.AppendBulkString(reply, strconv.FormatUint(next, 10))
	return found.reply(reply)
}

// collect adds the item to the list if it has not expired and matches the pattern,
// where there is one.
func (m *Machine) collect(found *keyList, i *item, pattern [][]byte) {
	if !m.isExpired(i) && (len(pattern) == 0 || Matches(pattern[0], i.key)) {
		found.add(i.key)
	}
}

// keyList is an array reply of keys in the making.
type keyList struct {
	keys []string
	size int
}

func (l *keyList) add(key string) {
	l.keys = append(l.keys, key)
	l.size += len(key) + integerReplyBytesMax + bulkTail
}

func (l *keyList) reply(buf []byte) []byte {
	buf = redcon.AppendArray(buf, len(l.keys))
	for _, key := range l.keys {
		buf = redcon.AppendBulkString(buf, key)
	}
	return buf
}
