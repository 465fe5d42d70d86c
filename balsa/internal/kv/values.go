// SPDX-License-Identifier: Apache-2.0

package kv

import "github.com/tidwall/redcon"

func (p *Interpreter) get(c *Command) []byte { return bulkOf(p.find(c.Args[0])) }

func (p *Interpreter) set(c *Command) []byte {
	i := p.find(c.Args[0])
	before, expireAt := bulkOf(i), expiryOf(i)
	if c.Flags.Has(FlagNX) && i != nil || c.Flags.Has(FlagXX) && i == nil {
		return setReply(c, replyNull, before)
	}
	if !c.Flags.Has(FlagKeepTTL) {
		expireAt = p.deadline(c)
	}
	p.store.Put(i, c.Args[0], c.Args[1], nil, expireAt)
	return setReply(c, replyOK, before)
}

func setReply(c *Command, outcome, before []byte) []byte {
	if c.Flags.Has(FlagGet) {
		return before
	}
	return outcome
}

func (p *Interpreter) setNX(c *Command) []byte {
	if p.find(c.Args[0]) != nil {
		return replyZero
	}
	p.store.Put(nil, c.Args[0], c.Args[1], nil, 0)
	return replyOne
}

func (p *Interpreter) getSet(c *Command) []byte {
	i := p.find(c.Args[0])
	before := bulkOf(i)
	p.store.Put(i, c.Args[0], c.Args[1], nil, 0)
	return before
}

func (p *Interpreter) getDel(c *Command) []byte {
	i := p.find(c.Args[0])
	before := bulkOf(i)
	if i != nil {
		p.store.Remove(i)
	}
	return before
}

func (p *Interpreter) mget(c *Command) []byte {
	size := 0
	for _, key := range c.Args {
		if size += len(bulkOf(p.find(key))); size > ReplyBytesMax {
			return replyTooLarge
		}
	}
	reply := redcon.AppendArray(make([]byte, 0, size+integerReplyBytesMax), len(c.Args))
	for _, key := range c.Args {
		reply = append(reply, bulkOf(p.find(key))...)
	}
	return reply
}

func (p *Interpreter) mset(c *Command) []byte {
	for i := 0; i < len(c.Args); i += 2 {
		p.store.Put(p.find(c.Args[i]), c.Args[i], c.Args[i+1], nil, 0)
	}
	return replyOK
}

func (p *Interpreter) append(c *Command) []byte {
	i := p.find(c.Args[0])
	var before []byte
	if i != nil {
		before = i.Value()
	}
	if len(before)+len(c.Args[1]) > ValueBytesMax {
		return replyTooLong
	}
	size := int64(len(before) + len(c.Args[1]))
	p.store.Put(i, c.Args[0], before, c.Args[1], expiryOf(i))
	return p.integer(size)
}

func (p *Interpreter) strlen(c *Command) []byte {
	i := p.find(c.Args[0])
	if i == nil {
		return replyZero
	}
	return p.integer(int64(len(i.Value())))
}
