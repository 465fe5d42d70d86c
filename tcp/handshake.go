// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/wire"
)

// magic begins every hello.
const magic = "balsaRFT"

// The sizes of a hello in bytes. The prologue, magic and version, is the same in
// all versions for ever; what follows it may change with the version.
const (
	prologueBytes = len(magic) + 4
	helloBytes    = prologueBytes + 4 + 4 + 16 + 3*8 + 2 + addressBytesMax + 4
)

// addressBytesMax is the length of the longest address that fits a hello.
const addressBytesMax = 254

// Reasons for which a connection ends during the handshake.
var (
	errNotRaft  = errors.New("not the Raft protocol")
	errChecksum = errors.New("checksum does not match")
	errVersion  = errors.New("protocol version is not supported")
	errRefused  = errors.New("handshake refused")
	errAddress  = errors.New("address does not fit")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// status is the acceptor's verdict on a hello.
type status uint32

// The statuses. A dialler's hello has none.
const (
	statusNone         status = 0
	statusOK           status = 1
	statusVersion      status = 2
	statusWrongCluster status = 3
	statusWrongNode    status = 4
	statusSelf         status = 5
	statusNotProven    status = 6
	statusBusy         status = 7
	statusWrongLane    status = 8
)

// String says what the status means.
func (s status) String() string {
	switch s {
	case statusNone:
		return "no status"
	case statusOK:
		return "accepted"
	case statusVersion:
		return "the protocol version is not supported"
	case statusWrongCluster:
		return "the nodes belong to different clusters"
	case statusWrongNode:
		return "the address belongs to another node than expected"
	case statusSelf:
		return "both ends have the same node ID"
	case statusNotProven:
		return "the certificate does not name the node"
	case statusBusy:
		return "too many nodes are connected"
	case statusWrongLane:
		return "there is no such lane"
	}
	return fmt.Sprintf("status %d", uint32(s))
}

// hello is what each end says of itself when a connection begins, the dialler first.
type hello struct {
	version     uint32
	status      status   // from the acceptor only
	lane        laneKind // what the connection is for
	cluster     wire.ClusterID
	from        wire.NodeID // who speaks
	to          wire.NodeID // whom the speaker believes to speak to
	incarnation wire.Incarnation
	address     string // where the speaker can be reached, empty if it doesn't know
}

func (h *hello) encode() []byte {
	order := binary.LittleEndian
	buf := append(make([]byte, 0, helloBytes), magic...)
	buf = order.AppendUint32(buf, h.version)
	buf = order.AppendUint32(buf, uint32(h.status))
	buf = order.AppendUint32(buf, uint32(h.lane))
	buf = append(buf, h.cluster[:]...)
	buf = order.AppendUint64(buf, uint64(h.from))
	buf = order.AppendUint64(buf, uint64(h.to))
	buf = order.AppendUint64(buf, uint64(h.incarnation))
	buf = order.AppendUint16(buf, uint16(len(h.address)))
	buf = append(buf, h.address...)
	buf = buf[:helloBytes-4] // The rest of the address is zero.
	return order.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
}

// readHello reads one hello. It reads no more than helloBytes, and of another
// version no more than the prologue: then the error wraps errVersion and the
// version is all that the hello tells.
func readHello(r io.Reader) (hello, error) {
	var buf [helloBytes]byte
	if _, err := io.ReadFull(r, buf[:prologueBytes]); err != nil {
		return hello{}, fmt.Errorf("read hello: %w", err)
	}
	if string(buf[:len(magic)]) != magic {
		return hello{}, errNotRaft
	}
	order := binary.LittleEndian
	h := hello{version: order.Uint32(buf[len(magic):])}
	if h.version != wire.Version {
		return h, fmt.Errorf("%w: %d, this node has %d", errVersion, h.version, wire.Version)
	}
	if _, err := io.ReadFull(r, buf[prologueBytes:]); err != nil {
		return hello{}, fmt.Errorf("read hello: %w", err)
	}
	end := helloBytes - 4
	if crc32.Checksum(buf[:end], castagnoli) != order.Uint32(buf[end:]) {
		return hello{}, errChecksum
	}
	rest := buf[prologueBytes:end]
	h.status = status(order.Uint32(rest))
	h.lane = laneKind(order.Uint32(rest[4:]))
	copy(h.cluster[:], rest[8:])
	h.from = wire.NodeID(order.Uint64(rest[24:]))
	h.to = wire.NodeID(order.Uint64(rest[32:]))
	h.incarnation = wire.Incarnation(order.Uint64(rest[40:]))
	length := int(order.Uint16(rest[48:]))
	if length > addressBytesMax {
		return hello{}, errAddress
	}
	h.address = string(rest[50 : 50+length])
	return h, nil
}

// judge is the acceptor's verdict on the dialler's hello, certificates aside.
func (t *Transport) judge(h hello) status {
	switch {
	case h.cluster != t.options.Cluster:
		return statusWrongCluster
	case h.from == t.options.Node:
		return statusSelf
	case h.to != t.options.Node || h.from == 0:
		return statusWrongNode
	case h.lane != laneMain && h.lane != laneBulk:
		return statusWrongLane
	}
	return statusOK
}

// checkAnswer is the dialler's verdict on the acceptor's hello.
func (t *Transport) checkAnswer(h hello, peer wire.NodeID, kind laneKind) error {
	switch {
	case h.cluster != t.options.Cluster:
		return fmt.Errorf("%w: %v: the peer's is %v, this node's %v", errRefused, statusWrongCluster, h.cluster, t.options.Cluster)
	case h.from != peer:
		return fmt.Errorf("%w: %v: it is node %d", errRefused, statusWrongNode, h.from)
	case h.status != statusOK:
		return fmt.Errorf("%w by the peer: %v", errRefused, h.status)
	case h.lane != kind:
		return fmt.Errorf("%w: %v: the peer speaks of lane %d", errRefused, statusWrongLane, h.lane)
	}
	return nil
}

// hello returns what this node says of itself to another.
func (t *Transport) hello(to wire.NodeID, kind laneKind, verdict status) hello {
	return hello{
		version:     wire.Version,
		status:      verdict,
		lane:        kind,
		cluster:     t.options.Cluster,
		from:        t.options.Node,
		to:          to,
		incarnation: t.options.Incarnation,
		address:     t.options.Advertise,
	}
}
