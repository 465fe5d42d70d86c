// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"github.com/tidwall/redcon"
)

// Client is one connection. It is used by one goroutine at a time.
type Client struct {
	conn    net.Conn
	reader  *bufio.Reader
	pending []byte
	timeout time.Duration
}

// Dial connects. The timeout bounds the connecting, and later each Flush and each Receive.
func Dial(address string, timeout time.Duration) (*Client, error) {
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return &Client{conn: conn, reader: bufio.NewReader(conn), timeout: timeout}, nil
}

// Close disconnects.
func (c *Client) Close() error { return c.conn.Close() }

// Queue adds a command to those that Flush sends.
func (c *Client) Queue(args ...string) {
	c.pending = redcon.AppendArray(c.pending, len(args))
	for _, arg := range args {
		c.pending = redcon.AppendBulkString(c.pending, arg)
	}
}

// Flush sends what was queued.
func (c *Client) Flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	_, err := c.conn.Write(c.pending)
	c.pending = c.pending[:0]
	if err != nil {
		return fmt.Errorf("client: send: %w", err)
	}
	return nil
}

// Receive waits for the next reply. After an error nothing is known about the
// commands that have no reply yet, and the connection is of no more use.
func (c *Client) Receive() (Reply, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return Reply{}, fmt.Errorf("client: %w", err)
	}
	reply, err := readReply(c.reader, 0)
	if err != nil {
		return Reply{}, fmt.Errorf("client: receive: %w", err)
	}
	return reply, nil
}

// Do sends one command and waits for its reply. An error reply is a reply.
func (c *Client) Do(args ...string) (Reply, error) {
	c.Queue(args...)
	if err := c.Flush(); err != nil {
		return Reply{}, err
	}
	return c.Receive()
}
