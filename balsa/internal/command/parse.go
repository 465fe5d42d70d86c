// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"math"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// parser is the part of a Spec that fills a command from the arguments.
type parser = func(args [][]byte, c *kv.Command) error

// plain takes the arguments as they are.
func plain(op kv.Op) parser {
	return func(args [][]byte, c *kv.Command) error {
		c.Op = op
		c.Args = append(c.Args, args...)
		return nil
	}
}

// step adds a constant.
func step(by int64) parser {
	return func(args [][]byte, c *kv.Command) error {
		c.Op, c.Number = kv.OpIncrBy, by
		c.Args = append(c.Args, args[0])
		return nil
	}
}

func parseIncrBy(args [][]byte, c *kv.Command) error {
	by, ok := kv.ParseInteger(args[1])
	if !ok {
		return ErrNotInteger
	}
	return step(by)(args, c)
}

func parseDecrBy(args [][]byte, c *kv.Command) error {
	by, ok := kv.ParseInteger(args[1])
	switch {
	case !ok:
		return ErrNotInteger
	case by == math.MinInt64:
		return ErrDecrement
	}
	return step(-by)(args, c)
}

func parseMSet(args [][]byte, c *kv.Command) error {
	if len(args)%2 != 0 {
		return ErrorArguments("mset")
	}
	return plain(kv.OpMSet)(args, c)
}

// parseFlush takes ASYNC and SYNC, which make no difference here.
func parseFlush(args [][]byte, c *kv.Command) error {
	if len(args) > 1 || len(args) == 1 && !is(args[0], "sync") && !is(args[0], "async") {
		return ErrSyntax
	}
	return plain(kv.OpFlush)(nil, c)
}

func parseKeys(args [][]byte, c *kv.Command) error {
	if len(args[0]) > kv.PatternBytesMax {
		return ErrPatternTooLong
	}
	return plain(kv.OpKeys)(args, c)
}

// is reports whether an argument is the word, in any case.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && bytes.EqualFold(arg, []byte(word))
}
