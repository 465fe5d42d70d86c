// SPDX-License-Identifier: Apache-2.0

package command

import "github.com/balsa-raft/raft/balsa/internal/kv"

var expireOptions = [...]struct {
	word string
	flag kv.Flags
}{
	{"nx", kv.FlagNX}, {"xx", kv.FlagXX}, {"gt", kv.FlagGT}, {"lt", kv.FlagLT},
}

// expire parses EXPIRE and PEXPIRE. A time that is not above zero is not an error:
// it deletes the key.
func expire(name string, unitInMS int64) parser {
	return func(args [][]byte, c *kv.Command) error {
		n, ok := kv.ParseInteger(args[1])
		switch {
		case !ok:
			return ErrNotInteger
		case n > timeMSMax/unitInMS || n < -timeMSMax/unitInMS:
			return errorExpire(name)
		}
		c.Op, c.Flags, c.Number = kv.OpExpire, kv.FlagRelative, n*unitInMS
		c.Args = append(c.Args, args[0])
		return expireFlags(args[2:], c)
	}
}

func expireFlags(options [][]byte, c *kv.Command) error {
	for _, option := range options {
		flag := kv.Flags(0)
		for _, known := range expireOptions {
			if is(option, known.word) {
				flag = known.flag
			}
		}
		if flag == 0 {
			return errorOption(option)
		}
		c.Flags |= flag
	}
	switch {
	case c.Flags.Has(kv.FlagNX) && c.Flags&(kv.FlagXX|kv.FlagGT|kv.FlagLT) != 0:
		return ErrMixed
	case c.Flags.Has(kv.FlagGT | kv.FlagLT):
		return ErrGreaterLess
	}
	return nil
}
