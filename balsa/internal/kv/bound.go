// SPDX-License-Identifier: Apache-2.0

package kv

// ReplyBound returns about how many bytes the reply to a command can have, whatever
// the state. Who proposes many commands at once goes by it, because what is a few
// bytes to ask for may be half a megabyte to answer.
func (c *Command) ReplyBound() int {
	switch c.Op {
	case OpGet, OpGetSet, OpGetDel:
		return ValueBytesMax
	case OpSet:
		if c.Flags.Has(FlagGet) {
			return ValueBytesMax
		}
	case OpMGet:
		return min(ReplyBytesMax, len(c.Args)*ValueBytesMax)
	case OpScan:
		return min(int(min(max(c.Count, 1), ScanCountMax))*KeyBytesMax, ReplyBytesMax)
	case OpKeys:
		return ReplyBytesMax
	}
	return integerReplyBytesMax
}
