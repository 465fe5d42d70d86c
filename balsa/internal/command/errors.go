// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
)

// Error is what a client did wrong, as the text of an error reply. Its first word
// is the kind of error, as clients expect.
type Error string

// Error returns the text.
func (e Error) Error() string { return string(e) }

// Errors in Redis's words.
const (
	ErrSyntax      = Error("ERR syntax error")
	ErrNotInteger  = Error("ERR value is not an integer or out of range")
	ErrCursor      = Error("ERR invalid cursor")
	ErrDecrement   = Error("ERR decrement would overflow")
	ErrMixed       = Error("ERR NX and XX, GT or LT options at the same time are not compatible")
	ErrGreaterLess = Error("ERR GT and LT options at the same time are not compatible")
)

// Errors about balsa's own bounds.
const (
	ErrTooLarge       = Error("ERR command too large")
	ErrKeyTooLong     = Error("ERR key too long, the most is 64 KiB")
	ErrValueTooLong   = Error("ERR value too long, the most is 512 KiB")
	ErrPatternTooLong = Error("ERR pattern too long, the most is 1 KiB")
)

// ErrorArguments says that a command cannot have that many arguments.
func ErrorArguments(name string) Error {
	return Error(fmt.Sprintf("ERR wrong number of arguments for '%s' command", name))
}

func errorExpire(name string) Error {
	return Error(fmt.Sprintf("ERR invalid expire time in '%s' command", name))
}

func errorOption(option []byte) Error {
	return Error(fmt.Sprintf("ERR Unsupported option %s", Clean(option)))
}

// quotedBytesMax bounds what an error repeats of a command.
const quotedBytesMax = 128

// errorUnknown quotes the command and the beginning of its arguments.
func errorUnknown(name []byte, args [][]byte) Error {
	var quoted bytes.Buffer
	for _, arg := range args {
		if quoted.Len() >= quotedBytesMax {
			break
		}
		fmt.Fprintf(&quoted, "'%s' ", Clean(arg[:min(len(arg), quotedBytesMax-quoted.Len())]))
	}
	return Error(fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s",
		Clean(name[:min(len(name), quotedBytesMax)]), quoted.Bytes()))
}

// Clean replaces what must not stand in the line of an error, and what would upset
// a terminal.
func Clean(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
