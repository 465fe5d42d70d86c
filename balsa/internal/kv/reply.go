// SPDX-License-Identifier: Apache-2.0

package kv

import "github.com/tidwall/redcon"

// Replies that are the same every time. They are shared and never changed.
var (
	replyOK     = []byte("+OK\r\n")
	replyNull   = []byte("$-1\r\n")
	replyZero   = []byte(":0\r\n")
	replyOne    = []byte(":1\r\n")
	replyString = []byte("+string\r\n")
	replyNone   = []byte("+none\r\n")

	replyNotInteger = []byte("-ERR value is not an integer or out of range\r\n")
	replyOverflow   = []byte("-ERR increment or decrement would overflow\r\n")
	replyTooLong    = []byte("-ERR string exceeds maximum allowed size (512 KiB)\r\n")
	replyTooLarge   = []byte("-ERR reply too large, ask for less at once\r\n")
	replyHalted     = []byte("-ERR this node cannot read a command of a newer version of balsa, upgrade it\r\n")
)

const (
	// arenaBytes is how much space for small replies is taken at once.
	arenaBytes = 4 << 10
	// integerReplyBytesMax is the length of the longest integer reply.
	integerReplyBytesMax = len(":-9223372036854775808\r\n")
)

// integer returns an integer reply, in space that many replies share.
func (m *Machine) integer(n int64) []byte {
	switch n {
	case 0:
		return replyZero
	case 1:
		return replyOne
	}
	if cap(m.arena)-len(m.arena) < integerReplyBytesMax {
		m.arena = make([]byte, 0, arenaBytes)
	}
	start := len(m.arena)
	m.arena = redcon.AppendInt(m.arena, n)
	return m.arena[start:len(m.arena):len(m.arena)]
}

// bulkOf returns an item's value as a reply, null if there is no item.
func bulkOf(i *item) []byte {
	if i == nil {
		return replyNull
	}
	return i.bulk
}
