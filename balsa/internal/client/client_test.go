// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	tests := []struct {
		sent, want string
		err        error
	}{
		{"+OK\r\n", "+OK", nil},
		{"-ERR no\r\n", "-ERR no", nil},
		{":-7\r\n", ":-7", nil},
		{"$2\r\nhi\r\n", "hi", nil},
		{"$0\r\n\r\n", "", nil},
		{"$-1\r\n", "(nil)", nil},
		{"*-1\r\n", "(nil)", nil},
		{"*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:1\r\n", "[a (nil) [:1]]", nil},
		{"", "", io.EOF},
		{"+OK", "", io.EOF},
		{"$5\r\nhi", "", io.ErrUnexpectedEOF},
		{"+OK\n", "", ErrProtocol},
		{"hello\r\n", "", ErrProtocol},
		{"$x\r\n", "", ErrProtocol},
		{"$-2\r\n", "", ErrProtocol},
		{"$99999999999\r\n", "", ErrProtocol},
		{"*99999999999\r\n", "", ErrProtocol},
		{strings.Repeat("*1\r\n", 10), "", ErrProtocol},
	}
	for _, test := range tests {
		reply, err := readReply(bufio.NewReader(strings.NewReader(test.sent)), 0)
		if !errors.Is(err, test.err) || err == nil && reply.String() != test.want {
			t.Errorf("%q: %q, %v; want %q, %v", test.sent, reply, err, test.want, test.err)
		}
	}
}
