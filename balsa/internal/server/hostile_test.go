// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tidwall/redcon"
)

// exchange sends bytes and returns everything that comes until the server closes
// the connection.
func exchange(t *testing.T, s *Server, sent string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, sent) }() // The server may stop reading at any point.
	got, err := io.ReadAll(conn)
	if errors.Is(err, net.ErrClosed) || isTimeout(err) {
		t.Fatalf("the connection was not closed: %v", err)
	}
	return string(got)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestGarbageGetsAnErrorAndIsDisconnected(t *testing.T) {
	const set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
	tests := []struct{ name, sent, want string }{
		{"count of zero", "*0\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"negative count", "*-1\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"no count", "*\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"huge count", "*4611686018427387904\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"count without carriage return", "*1\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"no bulk", "*1\r\nGET\r\n", "-ERR Protocol error: expected '$', got 'G'\r\n"},
		{"huge length", "*1\r\n$9223372036854775807\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"negative length", "*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"length too short", "*1\r\n$3\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"binary", "\x16\x03\x01\x02\x00", "-ERR Protocol error: invalid byte 0x16 in inline request\r\n"},
		{"endless line", strings.Repeat("x", inlineBytesMax+1), "-ERR Protocol error: too big inline request\r\n"},
		{"unbalanced quotes", "GET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{"after a command", set + "*0\r\n", "+OK\r\n-ERR Protocol error: invalid multibulk length\r\n"},
		{"too large together", "*9\r\n" + strings.Repeat("$1048576\r\n"+strings.Repeat("x", 1<<20)+"\r\n", 3),
			"-ERR Protocol error: command too large\r\n"},
		{"http", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "-ERR Protocol error: this is not an HTTP server\r\n"},
	}
	s := start(t, newFakeGroup(), nil)
	for _, test := range tests {
		if got := exchange(t, s, test.sent); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRandomBytesDoNoHarm(t *testing.T) {
	s := start(t, newFakeGroup(), nil)
	random := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		data := make([]byte, 1<<20)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if got := exchange(t, s, string(data)); got != "" && !strings.HasPrefix(got, "-ERR") {
			t.Errorf("random bytes got %.100q", got)
		}
	}
	if got := do(t, dial(t, s), "ping"); got != "+PONG" {
		t.Errorf("ping afterwards got %q", got)
	}
}

func TestClientsAreLimited(t *testing.T) {
	s := start(t, newFakeGroup(), func(cfg *Config) { cfg.ClientsMax = 1 })
	first := dial(t, s)
	do(t, first, "ping")
	if got, want := exchange(t, s, ""), "-ERR max number of clients reached\r\n"; got != want {
		t.Errorf("the second client got %q, want %q", got, want)
	}
	if got := do(t, first, "ping"); got != "+PONG" {
		t.Errorf("the first client got %q", got)
	}
}

// FuzzGuard checks that the same bytes pass the guard however they are cut, and that
// they do redcon's parser no harm.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$4\r\nPING\r\n", "PING\r\nGET a\n", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n*", "\r\n\r\n", "a \"b\\n\" 'c'\r\n",
		"*1\r\n$9223372036854775807\r\n", "*9999999999\r\n", "*01\r\n$04\r\nPING\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// An error is the end of the stream here.
		whole, _ := io.ReadAll(guarded(bytes.NewReader(data)))
		bytewise, _ := io.ReadAll(guarded(iotest.OneByteReader(bytes.NewReader(data))))
		if !bytes.Equal(whole, bytewise) || !bytes.HasPrefix(data, whole) {
			t.Fatalf("in one piece %q, byte by byte %q", whole, bytewise)
		}
		reader := redcon.NewReader(guarded(bytes.NewReader(data)))
		for err := error(nil); err == nil; {
			_, err = reader.ReadCommand()
		}
	})
}

func guarded(from io.Reader) *guard { return &guard{Conn: readOnlyConn{Reader: from}} }

// readOnlyConn is a connection of which only reading matters.
type readOnlyConn struct {
	net.Conn
	io.Reader
}

func (c readOnlyConn) Read(p []byte) (int, error)       { return c.Reader.Read(p) }
func (c readOnlyConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c readOnlyConn) SetWriteDeadline(time.Time) error { return nil }
