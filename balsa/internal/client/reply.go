// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is the kind of a reply: the byte it begins with in the protocol.
type Kind byte

// The kinds of replies.
const (
	KindString  Kind = '+'
	KindError   Kind = '-'
	KindInteger Kind = ':'
	KindBulk    Kind = '$'
	KindArray   Kind = '*'
)

// Reply is what a server answered to one command.
type Reply struct {
	Kind Kind
	// Text is the content, in decimal for an integer.
	Text string
	// Null is set for a bulk string that is absent.
	Null  bool
	Items []Reply
}

// IsError reports whether the server refused the command or could not carry it out.
func (r Reply) IsError() bool { return r.Kind == KindError }

// String writes the reply on one line.
func (r Reply) String() string {
	switch {
	case r.Null:
		return "(nil)"
	case r.Kind == KindBulk:
		return r.Text
	case r.Kind != KindArray:
		return string(r.Kind) + r.Text
	}
	items := make([]string, len(r.Items))
	for i, item := range r.Items {
		items[i] = item.String()
	}
	return "[" + strings.Join(items, " ") + "]"
}

// Bounds of what a server may answer.
const (
	bulkBytesMax = 64 << 20
	itemsMax     = 1 << 20
	depthMax     = 4
)

// ErrProtocol means that the server sent what is no reply.
var ErrProtocol = errors.New("client: malformed reply")

func readReply(r *bufio.Reader, depth int) (Reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return Reply{}, err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || text == "" || depth > depthMax {
		return Reply{}, fmt.Errorf("%w: %.40q", ErrProtocol, line)
	}
	reply := Reply{Kind: Kind(text[0]), Text: text[1:]}
	switch reply.Kind {
	case KindString, KindError, KindInteger:
		return reply, nil
	case KindBulk:
		return readBulk(r, reply)
	case KindArray:
		return readArray(r, reply, depth)
	}
	return Reply{}, fmt.Errorf("%w: %.40q", ErrProtocol, line)
}

func readBulk(r *bufio.Reader, reply Reply) (Reply, error) {
	if reply.Text == "-1" {
		return Reply{Kind: KindBulk, Null: true}, nil
	}
	size, err := strconv.Atoi(reply.Text)
	if err != nil || size < 0 || size > bulkBytesMax {
		return Reply{}, fmt.Errorf("%w: bulk string of length %.40q", ErrProtocol, reply.Text)
	}
	data := make([]byte, size+len("\r\n"))
	if _, err := io.ReadFull(r, data); err != nil {
		return Reply{}, err
	}
	reply.Text = string(data[:size])
	return reply, nil
}

func readArray(r *bufio.Reader, reply Reply, depth int) (Reply, error) {
	count, err := strconv.Atoi(reply.Text)
	if err != nil || count < -1 || count > itemsMax {
		return Reply{}, fmt.Errorf("%w: array of length %.40q", ErrProtocol, reply.Text)
	}
	array := Reply{Kind: KindArray, Null: count < 0}
	for range max(count, 0) {
		item, err := readReply(r, depth+1)
		if err != nil {
			return Reply{}, err
		}
		array.Items = append(array.Items, item)
	}
	return array, nil
}
