// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"math"
	"strconv"

	"github.com/tidwall/redcon"
)

func (p *Interpreter) del(c *Command) []byte {
	n := int64(0)
	for _, key := range c.Args {
		if i := p.find(key); i != nil {
			p.store.Remove(i)
			n++
		}
	}
	return p.integer(n)
}

func (p *Interpreter) exists(c *Command) []byte {
	n := int64(0)
	for _, key := range c.Args {
		if p.find(key) != nil {
			n++
		}
	}
	return p.integer(n)
}

func (p *Interpreter) typeOf(c *Command) []byte {
	if p.find(c.Args[0]) == nil {
		return replyNone
	}
	return replyString
}

// dbSize frees everything that has expired, so that what is left can be counted.
// Each key is freed once, so this is paid for by what made it expire.
func (p *Interpreter) dbSize(*Command) []byte {
	p.store.Evict(p.moment.Clock, math.MaxInt)
	return p.integer(int64(p.store.Len()))
}

func (p *Interpreter) flush(*Command) []byte {
	p.store.Clear()
	return replyOK
}

func (p *Interpreter) keys(c *Command) []byte {
	found := keyList{}
	p.store.Ascend(0, func(i *Item) bool {
		p.collect(&found, i, c.Args)
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
func (p *Interpreter) scan(c *Command) []byte {
	found, next := keyList{}, uint64(0)
	looked, last := int64(0), uint64(0)
	count := min(max(c.Count, 1), ScanCountMax)
	p.store.Ascend(uint64(c.Number), func(i *Item) bool {
		full := looked >= count || found.size > ReplyBytesMax/2
		if full && i.position != last {
			next = i.position
			return false
		}
		looked, last = looked+1, i.position
		p.collect(&found, i, c.Args)
		return true
	})
	reply := redcon.AppendArray(nil, 2)
	reply = redcon.AppendBulkString(reply, strconv.FormatUint(next, 10))
	return found.reply(reply)
}

// collect adds the item to the list if it has not expired and matches the pattern,
// where there is one.
func (p *Interpreter) collect(found *keyList, i *Item, pattern [][]byte) {
	if !i.isExpired(p.moment.Clock) && (len(pattern) == 0 || Matches(pattern[0], i.key)) {
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
