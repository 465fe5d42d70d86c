// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Defaults of Options.
const (
	FrameBytesMaxDefault    = 64 << 20
	LaneBytesMaxDefault     = 64 << 20
	BulkLaneBytesMaxDefault = 8 << 20
	BulkSocketBytesDefault  = 256 << 10
	BulkIdleTimeoutDefault  = 30 * time.Second
	DialTimeoutDefault      = 5 * time.Second
	HandshakeTimeoutDefault = 5 * time.Second
	WriteTimeoutDefault     = 10 * time.Second
	BackoffMinDefault       = 50 * time.Millisecond
	BackoffMaxDefault       = time.Second
)

// ErrInvalidOptions is what Listen's error wraps if the options are not usable.
var ErrInvalidOptions = errors.New("tcp: invalid options")

// Options are the parameters of a Transport. Address, Node and Cluster are
// required; the zero value of every other field stands for its default.
type Options struct {
	// Address is where to listen, as net.Listen takes it: "host:port".
	Address string
	// Node is this node's ID.
	Node wire.NodeID
	// Cluster is the cluster's ID. Nodes with another one are refused.
	Cluster wire.ClusterID
	// Advertise is where peers can reach this node, as "host:port"; the default is the
	// address that the listener is bound to, unless that means all of the host's. Peers
	// that were not told of this node by Connect answer there.
	Advertise string
	// Incarnation tells peers whether this node's data folder is the one they knew.
	// Zero means unknown.
	Incarnation wire.Incarnation

	// TLS makes all connections use mutual TLS 1.3. Without it they are in plain.
	TLS *TLSOptions
	// Logger gets the log, slog.Default if nil.
	Logger *slog.Logger
	// Dial makes connections in place of a net.Dialer. It must heed ctx.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// FrameBytesMax is the largest frame that is read and the largest message that
	// is sent, in bytes. It must not be smaller than that of any peer's messages.
	FrameBytesMax int
	// LaneBytesMax is how many bytes of messages may wait for one peer, the frame
	// being written included. An empty lane takes any message that fits a frame.
	LaneBytesMax int
	// BulkLaneBytesMax is the same for bulk messages, which have a connection of their own.
	BulkLaneBytesMax int
	// BulkSocketBytes is the size of that connection's send buffer in the operating
	// system, which may make it smaller. It bounds what is under way at a time, and so
	// how long heartbeats queue behind it on a narrow path that both share; it also
	// bounds the throughput, to about this much a round trip.
	BulkSocketBytes int
	// BulkIdleTimeout is how long that connection stays when nothing is sent on it.
	BulkIdleTimeout time.Duration

	// DialTimeout bounds an attempt to connect, handshake excluded.
	DialTimeout time.Duration
	// HandshakeTimeout bounds the handshake of a connection, TLS included.
	HandshakeTimeout time.Duration
	// WriteTimeout bounds the writing of one frame, or of each two mebibytes of a
	// larger one, and of each 128 KiB of bulk. A peer that takes longer is disconnected.
	WriteTimeout time.Duration
	// BackoffMin and BackoffMax bound the time between two attempts to connect. It
	// doubles with each attempt; a random part of up to a half is taken off.
	BackoffMin, BackoffMax time.Duration

	_ struct{}
}

// withDefaults returns the options with defaults in place of zero values.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	o.FrameBytesMax = orDefault(o.FrameBytesMax, FrameBytesMaxDefault)
	o.LaneBytesMax = orDefault(o.LaneBytesMax, LaneBytesMaxDefault)
	o.BulkLaneBytesMax = orDefault(o.BulkLaneBytesMax, BulkLaneBytesMaxDefault)
	o.BulkSocketBytes = orDefault(o.BulkSocketBytes, BulkSocketBytesDefault)
	o.BulkIdleTimeout = orDefault(o.BulkIdleTimeout, BulkIdleTimeoutDefault)
	o.DialTimeout = orDefault(o.DialTimeout, DialTimeoutDefault)
	o.HandshakeTimeout = orDefault(o.HandshakeTimeout, HandshakeTimeoutDefault)
	o.WriteTimeout = orDefault(o.WriteTimeout, WriteTimeoutDefault)
	o.BackoffMin = orDefault(o.BackoffMin, BackoffMinDefault)
	o.BackoffMax = orDefault(o.BackoffMax, max(BackoffMaxDefault, o.BackoffMin))
	return o
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// validate returns all that is wrong with options that have their defaults.
func (o *Options) validate() error {
	var problems []error
	require := func(ok bool, what string) {
		if !ok {
			problems = append(problems, fmt.Errorf("%w: %s", ErrInvalidOptions, what))
		}
	}
	require(o.Address != "", "Address is empty")
	require(o.Node != 0, "Node is zero")
	require(len(o.Advertise) <= addressBytesMax, "Advertise is longer than 254 bytes")
	require(o.Cluster != wire.ClusterID{}, "Cluster is zero")
	require(o.FrameBytesMax > 0 && o.FrameBytesMax <= 1<<30, "FrameBytesMax is not from 1 to 2^30")
	require(o.LaneBytesMax > 0, "LaneBytesMax is negative")
	require(o.BulkLaneBytesMax > 0, "BulkLaneBytesMax is negative")
	require(o.BulkSocketBytes > 0, "BulkSocketBytes is negative")
	require(o.BulkIdleTimeout > 0, "BulkIdleTimeout is negative")
	require(o.DialTimeout > 0, "DialTimeout is negative")
	require(o.HandshakeTimeout > 0, "HandshakeTimeout is negative")
	require(o.WriteTimeout > 0, "WriteTimeout is negative")
	require(o.BackoffMin > 0 && o.BackoffMin <= o.BackoffMax, "BackoffMin is not from 0 to BackoffMax")
	if o.TLS != nil {
		problems = append(problems, o.TLS.validate(o.Node))
	}
	return errors.Join(problems...)
}
