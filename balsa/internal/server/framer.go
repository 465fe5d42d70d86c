// SPDX-License-Identifier: Apache-2.0

package server

import "fmt"

// Bounds of what one client may send as one command.
const (
	// inlineBytesMax bounds a command in plain text, as in Redis.
	inlineBytesMax = 64 << 10
	// argumentsMax bounds the arguments of one command.
	argumentsMax = 64 << 10
	// bulkBytesMax bounds one argument.
	bulkBytesMax = 1 << 20
	// commandBytesMax bounds one command.
	commandBytesMax = 2 << 20
)

// protocolError is what is wrong with what a client sent. Its connection is closed.
type protocolError string

// Error returns the text of the reply.
func (e protocolError) Error() string { return "ERR Protocol error: " + string(e) }

// framer finds where commands end in a stream of bytes, in whatever pieces it
// comes, and refuses what is too large or cannot be a command. It stands before
// the parser of redcon, which trusts lengths and counts: some make it panic, some
// keep it busy for ever, and none is too large for it.
type framer struct {
	state frameState
	// size is the length of the current command so far.
	size int
	// args are the arguments that the current command still needs.
	args int
	// number is the count or length being read, digits how many digits it has.
	number, digits int
	// body is what is left of the current argument, with the two bytes that end it.
	body int
}

type frameState uint8

const (
	atStart frameState = iota
	inInline
	inCount
	atBulk
	inLength
	inBody
	atBodyEnd
	atLineEnd
)

// scan reads on and returns how far complete commands reach in b. After an error
// the framer is of no more use.
func (f *framer) scan(b []byte) (complete int, err error) {
	for i := 0; i < len(b); {
		if f.state == inBody {
			n := min(f.body, len(b)-i)
			i, f.size, f.body = i+n, f.size+n, f.body-n
			if f.body == 0 {
				f.state, f.body = atBodyEnd, len("\r\n")
			}
			continue
		}
		done, err := f.step(b[i])
		if err != nil {
			return complete, err
		}
		i++
		if f.size++; f.size > commandBytesMax {
			return complete, protocolError("command too large")
		}
		if done {
			complete = i
			*f = framer{}
		}
	}
	return complete, nil
}

// step takes one byte and reports whether it ends the command.
func (f *framer) step(b byte) (done bool, err error) {
	switch f.state {
	case atStart:
		return f.start(b)
	case inInline:
		return f.inline(b)
	case inCount:
		return false, f.digit(b, argumentsMax, "invalid multibulk length")
	case inLength:
		return false, f.digit(b, bulkBytesMax, "invalid bulk length")
	case atLineEnd:
		return false, f.lineEnd(b)
	case atBulk:
		return false, f.bulk(b)
	}
	return f.bodyEnd(b)
}

func (f *framer) start(b byte) (done bool, err error) {
	if b == '*' {
		f.state = inCount
		return false, nil
	}
	f.state = inInline
	return f.inline(b)
}

// inline takes plain text only. What is not is no person at a keyboard.
func (f *framer) inline(b byte) (done bool, err error) {
	switch {
	case b == '\n':
		return true, nil
	case b < ' ' && b != '\t' && b != '\r' || b >= 0x7f:
		return false, protocolError(fmt.Sprintf("invalid byte 0x%02x in inline request", b))
	case f.size >= inlineBytesMax:
		return false, protocolError("too big inline request")
	}
	return false, nil
}

func (f *framer) digit(b byte, most int, complaint protocolError) error {
	if b == '\r' && f.digits > 0 {
		f.state = atLineEnd
		return nil
	}
	if b < '0' || b > '9' {
		return complaint
	}
	f.number, f.digits = 10*f.number+int(b-'0'), f.digits+1
	if f.number > most {
		return complaint
	}
	return nil
}

// lineEnd ends the line of a count, which comes first, or of a length.
func (f *framer) lineEnd(b byte) error {
	number, first := f.number, f.args == 0
	if b != '\n' || first && number == 0 {
		return protocolError("invalid multibulk length")
	}
	f.number, f.digits = 0, 0
	switch {
	case first:
		f.args, f.state = number, atBulk
	case number == 0:
		f.body, f.state = len("\r\n"), atBodyEnd
	default:
		f.body, f.state = number, inBody
	}
	return nil
}

func (f *framer) bulk(b byte) error {
	if b != '$' {
		return protocolError(fmt.Sprintf("expected '$', got %q", b))
	}
	f.state = inLength
	return nil
}

func (f *framer) bodyEnd(b byte) (done bool, err error) {
	if b != "\n\r"[f.body-1] {
		return false, protocolError("invalid bulk length")
	}
	if f.body--; f.body > 0 {
		return false, nil
	}
	f.args--
	f.state = atBulk
	return f.args == 0, nil
}
