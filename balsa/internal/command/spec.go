// SPDX-License-Identifier: Apache-2.0

package command

import "github.com/balsa-raft/raft/balsa/internal/kv"

// Spec describes one command.
type Spec struct {
	// Name is the command's name in lower case.
	Name string
	// Arity is the number of arguments with the name; negative if it is the least.
	Arity int
	// Write says that the command may change the state.
	Write bool
	// FirstKey, LastKey and KeyStep say where keys stand among the arguments, as
	// Redis's COMMAND does: zeros for none, a negative LastKey counts from the end.
	FirstKey, LastKey, KeyStep int

	// parse fills in everything but the clock; nil for a command that the server
	// answers by itself. The arguments come without the name.
	parse func(args [][]byte, c *kv.Command) error
}

// IsReplicated reports whether the command goes through the log.
func (s *Spec) IsReplicated() bool { return s.parse != nil }

// accepts reports whether the command can have so many arguments, name included.
func (s *Spec) accepts(args int) bool {
	if s.Arity < 0 {
		return args >= -s.Arity
	}
	return args == s.Arity
}

// nameBytesMax is the length of the longest name.
const nameBytesMax = 16

// Find returns the command that the first of the arguments names, in any case, if
// it can have that many arguments. The error is an Error.
func Find(args [][]byte) (*Spec, error) {
	if len(args) == 0 {
		return nil, errorUnknown(nil, nil)
	}
	spec := Named(args[0])
	switch {
	case spec == nil:
		return nil, errorUnknown(args[0], args[1:])
	case !spec.accepts(len(args)):
		return nil, ErrorArguments(spec.Name)
	}
	return spec, nil
}

// Named returns the command with a name, in any case, or nil.
func Named(name []byte) *Spec {
	var space [nameBytesMax]byte
	return byName[string(appendLower(space[:0], name))]
}

// appendLower appends as much of a name as can be one, in lower case.
func appendLower(buf, name []byte) []byte {
	if len(name) > nameBytesMax {
		return buf
	}
	for _, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		buf = append(buf, b)
	}
	return buf
}

// Parse fills c from the command's arguments, name included, as Find accepted
// them. Now is the wall clock in Unix milliseconds. The command aliases the
// arguments and reuses c.Args. The error is an Error.
func (s *Spec) Parse(args [][]byte, now int64, c *kv.Command) error {
	*c = kv.Command{Now: now, Args: c.Args[:0]}
	if err := s.parse(args[1:], c); err != nil {
		return err
	}
	if c.Size() > kv.CommandBytesMax {
		return ErrTooLarge
	}
	return s.checkSizes(c)
}

// checkSizes checks the keys and values, which is where the bounds lie that a
// client can run into.
func (s *Spec) checkSizes(c *kv.Command) error {
	if s.FirstKey == 0 {
		return nil
	}
	for i, arg := range c.Args {
		isKey := s.KeyStep == 1 && s.LastKey != 1 || i%2 == 0
		if isKey && len(arg) > kv.KeyBytesMax {
			return ErrKeyTooLong
		}
		if len(arg) > kv.ValueBytesMax {
			return ErrValueTooLong
		}
	}
	return nil
}
