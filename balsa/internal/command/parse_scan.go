// SPDX-License-Identifier: Apache-2.0

package command

import (
	"math"
	"strconv"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// scanCountDefault is how many keys a SCAN without COUNT looks at.
const scanCountDefault = 10

func parseScan(args [][]byte, c *kv.Command) error {
	cursor, err := strconv.ParseUint(string(args[0]), 10, 64)
	if err != nil {
		return ErrCursor
	}
	// No cursor that a scan returned is as large, so there is nothing behind it.
	c.Number = int64(min(cursor, math.MaxInt64))
	c.Op, c.Count = kv.OpScan, scanCountDefault
	for options := args[1:]; len(options) > 0; options = options[2:] {
		if len(options) < 2 {
			return ErrSyntax
		}
		if err := scanOption(options[0], options[1], c); err != nil {
			return err
		}
	}
	return nil
}

func scanOption(option, value []byte, c *kv.Command) error {
	switch {
	case is(option, "count"):
		n, ok := kv.ParseInteger(value)
		switch {
		case !ok:
			return ErrNotInteger
		case n < 1:
			return ErrSyntax
		}
		c.Count = n
	case is(option, "match"):
		if len(value) > kv.PatternBytesMax {
			return ErrPatternTooLong
		}
		c.Args = append(c.Args[:0], value)
	default:
		return ErrSyntax
	}
	return nil
}
