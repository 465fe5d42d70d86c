// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestOutage(t *testing.T) {
	const info, warn, silent = "INFO", "WARN", ""
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	ended := fmt.Errorf("%w: %w", errEnded, io.EOF)
	foreign := fmt.Errorf("%w: %v", errRefused, statusWrongCluster)
	for name, steps := range map[string][]struct {
		at   time.Duration
		err  error
		want string
	}{
		"a peer that starts later": {{0, refused, info}, {time.Second, refused, silent}, {4999 * time.Millisecond, refused, silent}},
		"a peer that stays away": {{0, refused, info}, {time.Second, refused, silent}, {5 * time.Second, refused, warn},
			{6 * time.Second, refused, silent}, {time.Hour, refused, silent}},
		"a peer that restarts":            {{0, ended, info}, {time.Second, refused, info}, {2 * time.Second, ended, info}},
		"a peer that goes and stays":      {{0, ended, info}, {time.Second, refused, info}, {6 * time.Second, refused, warn}},
		"a peer that breaks all the time": {{0, ended, info}, {4 * time.Second, ended, silent}, {8 * time.Second, ended, warn}},
		"a stranger":                      {{0, foreign, warn}, {time.Second, foreign, silent}, {time.Hour, foreign, silent}},
		"a stranger later on":             {{0, refused, info}, {time.Second, foreign, warn}, {2 * time.Second, foreign, silent}},
		"a long one that changes":         {{0, refused, info}, {time.Minute, ended, warn}, {2 * time.Minute, refused, warn}},
	} {
		var o outage
		start := time.Unix(1000, 0)
		for i, step := range steps {
			got := silent
			if level, due := o.note(step.err, start.Add(step.at), 5*time.Second); due {
				got = level.String()
			}
			if got != step.want {
				t.Errorf("%s: step %d is logged as %q, want %q", name, i, got, step.want)
			}
		}
	}
}

func TestWhatPasses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, true},
		{fmt.Errorf("tcp: %w somewhere: %w", errDial, errors.New("of a Dial of one's own")), true},
		{fmt.Errorf("write: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), true},
		{&net.OpError{Op: "write", Err: syscall.ETIMEDOUT}, true},
		{fmt.Errorf("write: %w", &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}), false},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{fmt.Errorf("%w: %w", errEnded, net.ErrClosed), true},
		{fmt.Errorf("read hello: %w", io.ErrUnexpectedEOF), true},
		{fmt.Errorf("TLS handshake: %w", context.DeadlineExceeded), true},
		{errHandshakeTimeout, true},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, false},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, false},
		{tls.RecordHeaderError{}, false},
		{errNotRaft, false}, {errVersion, false}, {errChecksum, false}, {errSpoken, false},
		{fmt.Errorf("%w by the peer: %v", errRefused, statusBusy), false},
		{errors.New("something else"), false},
	} {
		if got := passes(test.err); got != test.want {
			t.Errorf("%v: passes is %v", test.err, got)
		}
	}
}

// TestWarnsOfAnOutageThatLasts has a peer that is not up.
func TestWarnsOfAnOutageThatLasts(t *testing.T) {
	a := listenNode(t, testOptions(1))
	a.warnAfter = 100 * time.Millisecond
	a.start(t)
	a.Connect(2, "127.0.0.1:1")
	a.lines.await(t, "no connection to peer", "level=INFO", "connection refused")
	a.lines.await(t, "no connection to peer", "level=WARN", "connection refused")
}

// TestOutageEndsWithAConnectionThatLasts has a peer that was away for long, comes and goes
// again: that is another outage.
func TestOutageEndsWithAConnectionThatLasts(t *testing.T) {
	a, b := listenNode(t, testOptions(1)), listenNode(t, testOptions(2))
	a.warnAfter = 50 * time.Millisecond
	a.start(t)
	options := testOptions(2)
	options.Address = b.Addr().String()
	_ = b.Close()
	a.Connect(2, options.Address)
	a.lines.await(t, "no connection to peer", "level=WARN")
	b = startNode(t, options)
	a.awaitConnected(t)
	<-time.After(3 * a.options.BackoffMax)
	_ = b.Close()
	a.lines.awaitWithout(t, "level=WARN", "no connection to peer", "level=INFO")
}

// TestOrdinaryStartWarnsOfNothing has one node that starts after the other, and again.
func TestOrdinaryStartWarnsOfNothing(t *testing.T) {
	a, b := listenNode(t, testOptions(1)), listenNode(t, testOptions(2))
	a.warnAfter = time.Hour // The machine may be slow.
	a.start(t)
	address := b.Addr().String()
	_ = b.Close()
	a.Connect(2, address)
	a.awaitUnreachable(t, 2)
	for range 2 {
		options := testOptions(2)
		options.Address = address
		b = startNode(t, options)
		a.lines.awaitWithout(t, "level=WARN", "connected to peer")
		_ = b.Close()
	}
}

// TestWarnsAtOnceOfWhatDoesNotPass connects to a node of another cluster.
func TestWarnsAtOnceOfWhatDoesNotPass(t *testing.T) {
	a := listenNode(t, testOptions(1))
	a.warnAfter = time.Hour
	a.start(t)
	options := testOptions(2)
	options.Cluster[0]++
	a.Connect(2, startNode(t, options).Addr().String())
	a.lines.await(t, "no connection to peer", "level=WARN", "different clusters")
}
