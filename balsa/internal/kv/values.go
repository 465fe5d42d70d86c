// SPDX-License-Identifier: Apache-2.0

package kv

import "github.com/tidwall/redcon"

func (m *Machine) get(c *Command) []byte { return bulkOf(m.find(c.Args[0])) }

func (m *Machine) set(c *Command) []byte {
	i := m.find(c.Args[0])
	before := bulkOf(i)
	if c.Flags.Has(FlagNX) && i != nil || c.Flags.Has(FlagXX) && i == nil {
		return setReply(c, replyNull, before)
	}
	if i == nil {
		i = m.store.add(c.Args[0])
	}
	i.setValue(c.Args[1], nil)
	if !c.Flags.Has(FlagKeepTTL) {
		m.store.setExpiry(i, m.deadline(c))
	}
	return setReply(c, replyOK, before)
}

func setReply(c *Command, outcome, before []byte) []byte {
	if c.Flags.Has(FlagGet) {
		return before
	}
	return outcome
}

func (m *Machine) setNX(c *Command) []byte {
	if m.find(c.Args[0]) != nil {
		return replyZero
	}
	m.store.add(c.Args[0]).setValue(c.Args[1], nil)
	return replyOne
}

func (m *Machine) getSet(c *Command) []byte {
	i := m.find(c.Args[0])
	before := bulkOf(i)
	m.put(i, c.Args[0], c.Args[1])
	return before
}

// put writes a value without expiry to the item found for the key, if any.
func (m *Machine) put(i *item, key, value []byte) {
	if i == nil {
		i = m.store.add(key)
	}
	i.setValue(value, nil)
	m.store.setExpiry(i, 0)
}

func (m *Machine) getDel(c *Command) []byte {
	i := m.find(c.Args[0])
	if i != nil {
		m.store.remove(i)
	}
	return bulkOf(i)
}

func (m *Machine) mget(c *Command) []byte {
	size := 0
	for _, key := range c.Args {
		if size += len(bulkOf(m.find(key))); size > ReplyBytesMax {
			return replyTooLarge
		}
	}
	reply := redcon.AppendArray(make([]byte, 0, size+integerReplyBytesMax), len(c.Args))
	for _, key := range c.Args {
		reply = append(reply, bulkOf(m.find(key))...)
	}
	return reply
}

func (m *Machine) mset(c *Command) []byte {
	for i := 0; i < len(c.Args); i += 2 {
		m.put(m.find(c.Args[i]), c.Args[i], c.Args[i+1])
	}
	return replyOK
}

func (m *Machine) append(c *Command) []byte {
	i := m.find(c.Args[0])
	var before []byte
	if i != nil {
		before = i.value()
	}
	if len(before)+len(c.Args[1]) > ValueBytesMax {
		return replyTooLong
	}
	if i == nil {
		i = m.store.add(c.Args[0])
	}
	i.setValue(before, c.Args[1])
	return m.integer(int64(len(i.value())))
}

func (m *Machine) strlen(c *Command) []byte {
	i := m.find(c.Args[0])
	if i == nil {
		return replyZero
	}
	return m.integer(int64(len(i.value())))
}
