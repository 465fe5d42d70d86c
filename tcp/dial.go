// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/balsa-raft/raft/wire"
)

// errDial is what errors wrap that came before anyone had answered.
var errDial = errors.New("dial")

// dial connects to the peer and makes the handshake.
func (t *Transport) dial(ctx context.Context, id wire.NodeID, kind laneKind, address string) (*connection, error) {
	dialContext, cancel := context.WithTimeout(ctx, t.options.DialTimeout)
	defer cancel()
	raw, err := t.options.Dial(dialContext, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("tcp: %w %s: %w", errDial, address, err)
	}
	conn, err := t.introduce(ctx, raw, id, kind)
	if err != nil {
		_ = raw.Close() // The handshake's error says more.
		return nil, fmt.Errorf("tcp: handshake with %s: %w", address, err)
	}
	return conn, nil
}

// introduce makes the dialler's side of the handshake.
func (t *Transport) introduce(ctx context.Context, raw net.Conn, id wire.NodeID, kind laneKind) (*connection, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.options.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	conn := &connection{Conn: raw, raw: raw}
	if t.options.TLS != nil {
		secure, err := t.options.TLS.dialled(ctx, raw, id)
		if err != nil {
			return nil, err
		}
		conn.Conn = secure
	}
	answer, err := t.exchange(conn, id, kind)
	if err != nil {
		return nil, because(ctx, err)
	}
	t.meet(id, answer.incarnation)
	return conn, nil
}

// exchange says who this node is and returns the peer's answer, if it is good.
func (t *Transport) exchange(conn net.Conn, id wire.NodeID, kind laneKind) (hello, error) {
	h := t.hello(id, kind, statusNone)
	if _, err := conn.Write(h.encode()); err != nil {
		return hello{}, err
	}
	answer, err := readHello(conn)
	if err != nil {
		return hello{}, err
	}
	return answer, t.checkAnswer(answer, id, kind)
}
