// SPDX-License-Identifier: Apache-2.0

package kv

import "math"

// deadline returns when the command's expiry is, in Unix milliseconds and above
// zero; zero if it has none.
func (m *Machine) deadline(c *Command) int64 {
	switch {
	case c.Flags.Has(FlagAbsolute):
		return max(c.Number, 1)
	case !c.Flags.Has(FlagRelative):
		return 0
	case m.clock > 0 && c.Number > math.MaxInt64-m.clock:
		return math.MaxInt64
	case m.clock < 0 && c.Number < math.MinInt64-m.clock:
		return 1
	}
	return max(m.clock+c.Number, 1)
}

func (m *Machine) expire(c *Command) []byte {
	at := m.deadline(c)
	i := m.find(c.Args[0])
	if i == nil || !mayExpire(i, c.Flags, at) {
		return replyZero
	}
	if at <= m.clock {
		m.store.remove(i)
	} else {
		m.store.setExpiry(i, at)
	}
	return replyOne
}

// mayExpire reports whether the conditions in flags allow the new expiry. A key
// without expiry counts as one that expires after all others.
func mayExpire(i *item, flags Flags, at int64) bool {
	current := i.expireAt
	if current == 0 {
		current = math.MaxInt64
	}
	switch {
	case flags.Has(FlagNX) && i.expireAt != 0, flags.Has(FlagXX) && i.expireAt == 0:
		return false
	case flags.Has(FlagGT) && at <= current, flags.Has(FlagLT) && at >= current:
		return false
	}
	return true
}

func (m *Machine) pttl(c *Command) []byte { return m.integer(m.left(c)) }

func (m *Machine) ttl(c *Command) []byte {
	left := m.left(c)
	if left > 0 {
		left = left/1000 + (left%1000+500)/1000
	}
	return m.integer(left)
}

// left returns the milliseconds that a key has left, -1 if it does not expire and
// -2 if there is none.
func (m *Machine) left(c *Command) int64 {
	i := m.find(c.Args[0])
	switch {
	case i == nil:
		return -2
	case i.expireAt == 0:
		return -1
	}
	return i.expireAt - m.clock
}

func (m *Machine) persist(c *Command) []byte {
	i := m.find(c.Args[0])
	if i == nil || i.expireAt == 0 {
		return replyZero
	}
	m.store.setExpiry(i, 0)
	return replyOne
}
