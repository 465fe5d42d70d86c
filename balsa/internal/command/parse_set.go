// SPDX-License-Identifier: Apache-2.0

package command

import "github.com/balsa-raft/raft/balsa/internal/kv"

// timeMSMax bounds a time in milliseconds, at 146 million years, so that the sum of
// two is no overflow.
const timeMSMax = 1 << 62

// expiryOptions are the options of SET that take a time.
var expiryOptions = [...]struct {
	word     string
	flag     kv.Flags
	unitInMS int64
}{
	{"ex", kv.FlagRelative, 1000},
	{"px", kv.FlagRelative, 1},
	{"exat", kv.FlagAbsolute, 1000},
	{"pxat", kv.FlagAbsolute, 1},
}

const anyExpiry = kv.FlagRelative | kv.FlagAbsolute | kv.FlagKeepTTL

func parseSet(args [][]byte, c *kv.Command) error {
	c.Op = kv.OpSet
	c.Args = append(c.Args, args[:2]...)
	for options := args[2:]; len(options) > 0; {
		taken, err := setOption(options, c)
		if err != nil {
			return err
		}
		options = options[taken:]
	}
	return nil
}

// setOption takes the first option, and its value if it has one.
func setOption(options [][]byte, c *kv.Command) (taken int, err error) {
	switch option := options[0]; {
	case is(option, "nx") && !c.Flags.Has(kv.FlagXX):
		c.Flags |= kv.FlagNX
	case is(option, "xx") && !c.Flags.Has(kv.FlagNX):
		c.Flags |= kv.FlagXX
	case is(option, "get"):
		c.Flags |= kv.FlagGet
	case is(option, "keepttl") && c.Flags&(anyExpiry&^kv.FlagKeepTTL) == 0:
		c.Flags |= kv.FlagKeepTTL
	default:
		return 2, setExpiry(options, c)
	}
	return 1, nil
}

func setExpiry(options [][]byte, c *kv.Command) (err error) {
	for _, known := range expiryOptions {
		if is(options[0], known.word) && len(options) > 1 && c.Flags&anyExpiry == 0 {
			c.Flags |= known.flag
			c.Number, err = positiveTime("set", options[1], known.unitInMS)
			return err
		}
	}
	return ErrSyntax
}

// setEx parses SETEX and PSETEX, which are short for a SET.
func setEx(name string, unitInMS int64) parser {
	return func(args [][]byte, c *kv.Command) (err error) {
		c.Op, c.Flags = kv.OpSet, kv.FlagRelative
		c.Args = append(c.Args, args[0], args[2])
		c.Number, err = positiveTime(name, args[1], unitInMS)
		return err
	}
}

// positiveTime parses a time above zero and returns it in milliseconds.
func positiveTime(name string, arg []byte, unitInMS int64) (int64, error) {
	n, ok := kv.ParseInteger(arg)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n <= 0 || n > timeMSMax/unitInMS:
		return 0, errorExpire(name)
	}
	return n * unitInMS, nil
}
