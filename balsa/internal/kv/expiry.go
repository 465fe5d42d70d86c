// SPDX-License-Identifier: Apache-2.0

package kv

import "math"

// deadline returns when the command's expiry is, in Unix milliseconds and above
// zero; zero if it has none.
func (p *Interpreter) deadline(c *Command) int64 {
	clock := p.moment.Clock
	switch {
	case c.Flags.Has(FlagAbsolute):
		return max(c.Number, 1)
	case !c.Flags.Has(FlagRelative):
		return 0
	case clock > 0 && c.Number > math.MaxInt64-clock:
		return math.MaxInt64
	case clock < 0 && c.Number < math.MinInt64-clock:
		return 1
	}
	return max(clock+c.Number, 1)
}

func (p *Interpreter) expire(c *Command) []byte {
	at := p.deadline(c)
	i := p.find(c.Args[0])
	if i == nil || !mayExpire(i, c.Flags, at) {
		return replyZero
	}
	if at <= p.moment.Clock {
		p.store.Remove(i)
	} else {
		p.store.SetExpiry(i, at)
	}
	return replyOne
}

// mayExpire reports whether the conditions in flags allow the new expiry. A key
// without expiry counts as one that expires after all others.
func mayExpire(i *Item, flags Flags, at int64) bool {
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

func (p *Interpreter) pttl(c *Command) []byte { return p.integer(p.left(c)) }

func (p *Interpreter) ttl(c *Command) []byte {
	left := p.left(c)
	if left > 0 {
		left = left/1000 + (left%1000+500)/1000
	}
	return p.integer(left)
}

// left returns the milliseconds that a key has left, -1 if it does not expire and
// -2 if there is none.
func (p *Interpreter) left(c *Command) int64 {
	i := p.find(c.Args[0])
	switch {
	case i == nil:
		return -2
	case i.expireAt == 0:
		return -1
	}
	return i.expireAt - p.moment.Clock
}

func (p *Interpreter) persist(c *Command) []byte {
	i := p.find(c.Args[0])
	if i == nil || i.expireAt == 0 {
		return replyZero
	}
	p.store.SetExpiry(i, 0)
	return replyOne
}
