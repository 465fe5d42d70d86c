// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

const (
	// patience is how long what must happen may take.
	patience = 20 * time.Second
	// silence is how long is waited for what must not happen.
	silence = 50 * time.Millisecond
)

// line is a link with both ends of a connection through it.
type line struct {
	t        *testing.T
	link     *Link
	listener net.Listener
	near     net.Conn
	far      net.Conn
}

func newLine(t *testing.T) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	link, err := NewLink(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, link: link, listener: listener}
	t.Cleanup(func() {
		_ = l.listener.Close() // The test may have done so.
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	})
	l.dial()
	l.accept()
	return l
}

func (l *line) dial() {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.link.Address())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	l.near = conn
}

// expectRefused expects that a new connection breaks, now or as soon as it is made.
func (l *line) expectRefused() {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.link.Address())
	if err != nil {
		return
	}
	defer conn.Close()
	l.near = conn
	l.expectBroken()
}

func (l *line) accept() {
	l.t.Helper()
	conn, err := l.listener.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	l.far = conn
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l.near, text); err != nil {
		l.t.Fatal(err)
	}
}

// receive returns what arrives at the far end, of so many bytes at most.
func (l *line) receive(size int, timeout time.Duration) (string, error) {
	l.t.Helper()
	if err := l.far.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		l.t.Fatal(err)
	}
	data := make([]byte, size)
	n, err := io.ReadFull(l.far, data)
	return string(data[:n]), err
}

func (l *line) expect(want string) {
	l.t.Helper()
	if got, err := l.receive(len(want), patience); got != want {
		l.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func (l *line) expectNothing() {
	l.t.Helper()
	if got, err := l.receive(1, silence); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		l.t.Fatalf("got %q, %v; want nothing", got, err)
	}
}

// expectBroken expects that the near end's connection breaks.
func (l *line) expectBroken() {
	l.t.Helper()
	if err := l.near.SetReadDeadline(time.Now().Add(patience)); err != nil {
		l.t.Fatal(err)
	}
	if n, err := l.near.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		l.t.Fatalf("read %d bytes, %v; want a broken connection", n, err)
	}
}

func TestChaosLinkPassesBothWays(t *testing.T) {
	l := newLine(t)
	l.send("hello")
	l.expect("hello")
	l.near, l.far = l.far, l.near
	l.send("world")
	l.expect("world")
	if err := l.near.Close(); err != nil {
		t.Fatal(err)
	}
	l.near = l.far
	l.expectBroken()
}

func TestChaosLinkHolds(t *testing.T) {
	l := newLine(t)
	version := l.link.Set(Fault{Kind: Hold})
	l.send("late")
	l.expectNothing()
	l.link.Clear(version + 1) // Another one's.
	l.expectNothing()
	l.link.Clear(version)
	l.expect("late")
	if l.link.Hits(Hold) == 0 {
		t.Error("no hit was counted")
	}
}

func TestChaosLinkHoldsNewConnections(t *testing.T) {
	l := newLine(t)
	version := l.link.Set(Fault{Kind: Hold})
	l.dial()
	l.send("late")
	l.link.Clear(version)
	l.accept()
	l.expect("late")
}

func TestChaosLinkDrops(t *testing.T) {
	l := newLine(t)
	version := l.link.Set(Fault{Kind: Drop})
	l.send("lost")
	l.expectNothing()
	l.link.Clear(version)
	l.expectBroken()
}

func TestChaosLinkResets(t *testing.T) {
	l := newLine(t)
	version := l.link.Set(Fault{Kind: Reset})
	l.expectBroken()
	l.expectRefused()
	l.link.Clear(version)
	l.dial()
	l.accept()
	l.send("again")
	l.expect("again")
}

func TestChaosLinkDelays(t *testing.T) {
	l := newLine(t)
	const delay = 2 * silence
	version := l.link.Set(Fault{Kind: Delay, Delay: delay})
	begun := time.Now()
	l.send("late")
	l.expect("late")
	if passed := time.Since(begun); passed < delay {
		t.Errorf("it took %v only", passed)
	}
	l.link.Clear(version)
	l.send("soon")
	l.expect("soon")
}

func TestChaosLinkIsSlow(t *testing.T) {
	l := newLine(t)
	l.link.Set(Fault{Kind: Slow, BytesPerSecond: 10_000})
	begun := time.Now()
	text := string(bytes.Repeat([]byte("x"), 1000))
	l.send(text)
	l.expect(text)
	if passed := time.Since(begun); passed < 100*time.Millisecond {
		t.Errorf("it took %v only", passed)
	}
}

func TestChaosLinkTruncates(t *testing.T) {
	l := newLine(t)
	l.link.Set(Fault{Kind: Truncate, After: 7})
	l.send("0123")
	l.expect("0123")
	l.send("456789")
	l.expect("456")
	if got, err := l.receive(1, patience); got != "" || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %q, %v; want the end", got, err)
	}
	if l.link.Hits(Truncate) != 1 {
		t.Errorf("%d hits", l.link.Hits(Truncate))
	}
}

func TestChaosLinkFlipsOneBit(t *testing.T) {
	l := newLine(t)
	version := l.link.Set(Fault{Kind: Flip, After: 1})
	l.send("aaa")
	l.expect("aca")
	l.send("aaa")
	l.expect("aaa")
	l.link.Clear(version)
}

func TestChaosLinkToNobody(t *testing.T) {
	l := newLine(t)
	if err := l.listener.Close(); err != nil {
		t.Fatal(err)
	}
	l.expectRefused()
	again, err := net.Listen("tcp", l.link.target)
	if err != nil {
		t.Fatal(err)
	}
	l.listener = again
	l.dial()
	l.accept()
	l.send("back")
	l.expect("back")
}
