// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// network is the links between all nodes, each of one direction.
type network struct {
	w     *world
	links [nodesMax + 1][nodesMax + 1]link
}

// link is the way from one node to another.
type link struct {
	cut bool
	// lossy says that all messages are lost for a while, clogged until when they are
	// held back.
	lossy   bool
	clogged int64
	// perByte is how long each byte takes, if that matters.
	perByte int64
	// lastAt is when the last message that keeps the order arrives.
	lastAt int64
	// past are frames that were sent, for replays; the oldest is overwritten next.
	past   [pastFrames]pastFrame
	pastAt int
	// inFlight bounds what is on the way, as a lane does.
	inFlight int
}

// pastFrame is a copy of a frame that was sent to some life of the receiver.
type pastFrame struct {
	frame []byte
	life  int
}

const (
	pastFrames  = 32
	inFlightMax = 4096
	// queueTimeouts is how long, in election time-outs, the queue of a slow link may be.
	queueTimeouts = 4
	checksumBytes = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newNetwork(w *world) *network { return &network{w: w} }

func (net *network) link(from, to wire.NodeID) *link { return &net.links[from][to] }

// send sends a message, and reports false if the sender's lane has no room for it.
func (net *network) send(from, to wire.NodeID, envelope wire.Envelope) bool {
	w, l := net.w, net.link(from, to)
	if l.inFlight >= inFlightMax {
		return false
	}
	if w.chance(w.networking, Refuse, 0.005) {
		w.fault(Refuse)
		return false
	}
	body := wire.AppendEnvelope(make([]byte, checksumBytes, checksumBytes+envelope.Size()), envelope)
	binary.LittleEndian.PutUint32(body, crc32.Checksum(body[checksumBytes:], castagnoli))
	w.hash = w.hash*0x100000001b3 ^ uint64(binary.LittleEndian.Uint32(body)) ^ uint64(from)<<40 ^ uint64(to)<<48
	if w.out != nil {
		w.say(from, "-> %d %v %s", to, envelope.Message.Kind(), brief(envelope.Message))
	}
	net.replays(from, to, l)
	net.keeps(to, l, body)
	net.carry(from, to, body)
	if w.chance(w.networking, Duplicate, 0.05) {
		w.fault(Duplicate)
		net.carryLate(from, to, bytes.Clone(body))
	}
	return true
}

// replays sends an old frame once more.
func (net *network) replays(from, to wire.NodeID, l *link) {
	w := net.w
	if l.pastAt == 0 || !w.has(Replay) && !w.has(ReplayRestart) || w.networking.IntN(40) > 0 {
		return
	}
	old := &l.past[w.networking.IntN(min(l.pastAt, pastFrames))]
	kind := Replay
	if old.life != w.nodes[to-1].life {
		kind = ReplayRestart
	}
	if w.has(kind) {
		w.fault(kind)
		net.carryLate(from, to, bytes.Clone(old.frame))
	}
}

// keeps copies a frame for replays, if there are any: the frame itself is the receiver's.
func (net *network) keeps(to wire.NodeID, l *link, frame []byte) {
	if w := net.w; w.plan.faults.Has(Replay) || w.plan.faults.Has(ReplayRestart) {
		old := &l.past[l.pastAt%pastFrames]
		old.frame, old.life = append(old.frame[:0], frame...), w.nodes[to-1].life
		l.pastAt++
	}
}

// carry takes a frame to the other end, if nothing keeps it from there.
func (net *network) carry(from, to wire.NodeID, frame []byte) {
	w, l := net.w, net.link(from, to)
	switch {
	case l.cut:
		return
	case l.lossy:
		w.fault(DropBurst)
		return
	case l.perByte > 0 && l.lastAt-w.now > queueTimeouts*int64(w.plan.electionTimeout):
		return // As much waits for its turn as there is room for.
	case w.chance(w.networking, Drop, 0.05):
		w.fault(Drop)
		return
	case w.chance(w.networking, Corrupt, 0.02):
		frame = net.corrupted(frame)
	case w.chance(w.networking, Delay, 0.01):
		w.fault(Delay)
		net.deliverAfter(logDuration(w.networking, w.plan.electionTimeout/4, 4*w.plan.electionTimeout), from, to, frame)
		return
	case w.chance(w.networking, Reorder, 0.1):
		w.fault(Reorder)
		net.carryLate(from, to, frame)
		return
	}
	delay := net.delay() * max(w.nodes[from-1].far, w.nodes[to-1].far)
	at := max(w.now+delay, l.lastAt+1+l.perByte*int64(len(frame)))
	if l.clogged > at {
		w.fault(Clog)
		at = l.clogged
	}
	l.lastAt = at
	net.deliverAfter(time.Duration(at-w.now), from, to, frame)
}

// carryLate takes a frame to the other end without regard to the order.
func (net *network) carryLate(from, to wire.NodeID, frame []byte) {
	if l := net.link(from, to); l.cut || l.lossy {
		return
	}
	net.deliverAfter(time.Duration(net.delay()*(1+net.w.networking.Int64N(10))), from, to, frame)
}

// delay draws how long a message takes.
func (net *network) delay() int64 {
	most := int64(net.w.plan.linkDelay)
	return most/2 + net.w.networking.Int64N(most)
}

func (net *network) corrupted(frame []byte) []byte {
	w := net.w
	w.fault(Corrupt)
	frame = bytes.Clone(frame)
	for range 1 + w.networking.IntN(3) {
		frame[w.networking.IntN(len(frame))] ^= byte(1 + w.networking.IntN(255))
	}
	return frame
}

func (net *network) deliverAfter(d time.Duration, from, to wire.NodeID, frame []byte) {
	net.link(from, to).inFlight++
	net.w.push(net.w.now+int64(d), event{frame: frame, from: from, to: to})
}

// arrive delivers a frame to whichever process runs there now. One that is paused
// gets it when it goes on.
func (net *network) arrive(from, to wire.NodeID, frame []byte) {
	n := net.w.nodes[to-1]
	if !n.up {
		return
	}
	body := frame[checksumBytes:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(frame) {
		if net.w.networking.IntN(2) == 0 {
			n.transport.lost(from)
		}
		return
	}
	envelope, _, err := wire.DecodeEnvelope(body) // It keeps the frame, which nobody else has.
	if err != nil {
		net.w.say(to, "a frame from %d is malformed: %v", from, err)
		return
	}
	n.transport.arrives(from, envelope)
}

// cut cuts or mends a link. Now and then its ends notice.
func (net *network) cut(from, to wire.NodeID, cut bool) {
	if from == to || net.link(from, to).cut == cut {
		return
	}
	net.link(from, to).cut = cut
	if cut && net.w.networking.Float64() < net.w.plan.tells {
		net.breaks(from, to)
	}
}

// breaks tells a node, soon, that its connection to another is gone.
func (net *network) breaks(at, peer wire.NodeID) {
	n := net.w.nodes[at-1]
	life := n.life
	net.w.after(time.Duration(net.delay()), func() {
		if n.up && n.life == life {
			n.transport.lost(peer)
		}
	})
}

// hungUp is told that a process ended: the others may notice.
func (net *network) hungUp(id wire.NodeID) {
	for _, n := range net.w.nodes {
		if n.id != id && net.w.networking.Float64() < net.w.plan.tells {
			net.breaks(n.id, id)
		}
	}
}

// heal mends all links.
func (net *network) heal() {
	for from := range net.links {
		for to := range net.links[from] {
			l := &net.links[from][to]
			l.cut, l.lossy, l.clogged, l.perByte, l.lastAt = false, false, 0, 0, 0
		}
	}
}
