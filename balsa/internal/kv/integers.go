// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"math"
	"strconv"
)

// ParseInteger parses an integer as Redis does: in the one form in which it would
// be written, without spaces, plus signs or leading zeros.
func ParseInteger(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > integerReplyBytesMax {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, false
	}
	var space [integerReplyBytesMax]byte
	return n, string(strconv.AppendInt(space[:0], n, 10)) == string(text)
}

func (p *Interpreter) incrBy(c *Command) []byte {
	n := int64(0)
	i := p.find(c.Args[0])
	if i != nil {
		var ok bool
		if n, ok = ParseInteger(i.Value()); !ok {
			return replyNotInteger
		}
	}
	if n > 0 && c.Number > math.MaxInt64-n || n < 0 && c.Number < math.MinInt64-n {
		return replyOverflow
	}
	p.number = strconv.AppendInt(p.number[:0], n+c.Number, 10)
	p.store.Put(i, c.Args[0], p.number, nil, expiryOf(i))
	return p.integer(n + c.Number)
}
