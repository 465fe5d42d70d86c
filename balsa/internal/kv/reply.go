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
	replyHalted     = []byte("-UNKNOWN this node cannot read a command of a newer version of balsa, upgrade it\r\n")
	replyFailed     = []byte("-UNKNOWN this node's storage has failed\r\n")
)

const (
	// arenaBytes is how much space for small replies is taken at once.
	arenaBytes = 4 << 10
	// integerReplyBytesMax is the length of the longest integer reply.
	integerReplyBytesMax = len(":-9223372036854775808\r\n")
)

// integer returns an integer reply, in space that many replies share.
func (p *Interpreter) integer(n int64) []byte {
	switch n {
	case 0:
		return replyZero
	case 1:
		return replyOne
	}
	if cap(p.arena)-len(p.arena) < integerReplyBytesMax {
		p.arena = make([]byte, 0, arenaBytes)
	}
	start := len(p.arena)
	p.arena = redcon.AppendInt(p.arena, n)
	return p.arena[start:len(p.arena):len(p.arena)]
}

// bulkOf returns an item's value as a reply, null if there is no item.
func bulkOf(i *Item) []byte {
	if i == nil {
		return replyNull
	}
	return i.bulk
}

// expiryOf returns when an item expires, zero if there is no item or it does not.
func expiryOf(i *Item) int64 {
	if i == nil {
		return 0
	}
	return i.expireAt
}
