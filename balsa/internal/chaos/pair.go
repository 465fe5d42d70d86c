// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// chunkBytes is how much is read from a connection at once.
	chunkBytes = 32 << 10
	// chunksMax bounds how many chunks wait in one direction; then the sender feels it.
	chunksMax = 256
	// pieceBytes is how much passes a slow link at once.
	pieceBytes = 128
)

// pair is one connection through a link: the one that was accepted, and the one that
// was made for it.
type pair struct {
	link   *Link
	ctx    context.Context
	cancel context.CancelFunc
	// lossy is set once bytes were lost or changed: what follows them may be garbage.
	lossy atomic.Bool

	mu    sync.Mutex
	conns []*net.TCPConn
}

func newPair(l *Link, conn *net.TCPConn) *pair {
	p := &pair{link: l, conns: []*net.TCPConn{conn}}
	p.ctx, p.cancel = context.WithCancel(l.ctx)
	return p
}

// reset breaks both connections.
func (p *pair) reset() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		breakOff(conn)
	}
}

// run carries bytes until one of the connections ends.
func (p *pair) run() {
	defer p.reset()
	if !p.connect() {
		return
	}
	var pumps sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{p.conns[0], p.conns[1]}, {p.conns[1], p.conns[0]}} {
		pump := &pump{pair: p, from: way[0], to: way[1], chunks: make(chan chunk, chunksMax)}
		pumps.Go(pump.read)
		pumps.Go(pump.write)
	}
	pumps.Wait()
}

// connect connects to the target as soon as something may get there.
func (p *pair) connect() bool {
	for {
		fault, _, changed := p.link.state()
		if fault.Kind != Hold && fault.Kind != Drop {
			break
		}
		p.link.hits[fault.Kind].Add(1)
		select {
		case <-changed:
		case <-p.ctx.Done():
			return false
		}
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(p.ctx, "tcp", p.link.target)
	if err != nil {
		return false // The target is down, and so the connection to the link breaks.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conn.(*net.TCPConn))
	return p.ctx.Err() == nil
}

// chunk is some bytes and when they came.
type chunk struct {
	data []byte
	at   time.Time
}

// pump carries bytes one way.
type pump struct {
	pair     *pair
	from, to *net.TCPConn
	chunks   chan chunk

	// version is of the fault that budget is for: how many bytes more pass before a
	// Truncate or a Flip.
	version, budget int
}

func (u *pump) read() {
	defer close(u.chunks)
	for {
		data := make([]byte, chunkBytes)
		n, err := u.from.Read(data)
		if n > 0 {
			select {
			case u.chunks <- chunk{data[:n], time.Now()}:
			case <-u.pair.ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// write passes chunks on until there are no more, and then ends the pair.
func (u *pump) write() {
	defer u.pair.reset()
	for c := range u.chunks {
		if !u.pass(c) {
			return
		}
	}
}

// pass does with a chunk what the fault that holds demands. It returns false when the
// connection is to break.
func (u *pump) pass(c chunk) bool {
	for len(c.data) > 0 {
		fault, version, changed := u.pair.link.state()
		if u.version != version {
			u.version, u.budget = version, fault.After
		}
		if fault.Kind != "" && fault.Kind != Truncate && fault.Kind != Flip {
			u.pair.link.hits[fault.Kind].Add(1)
		}
		var ok bool
		if c.data, ok = u.passSome(c, fault, changed); !ok {
			return false
		}
	}
	return true
}

// passSome returns what is left of a chunk, after some of it has passed or the fault
// has changed.
func (u *pump) passSome(c chunk, fault Fault, changed <-chan struct{}) (rest []byte, ok bool) {
	switch fault.Kind {
	case Hold:
		return c.data, u.wait(nil, changed)
	case Drop:
		u.pair.lossy.Store(true)
		return nil, true
	case Reset:
		return nil, false
	case Delay:
		if late := time.Until(c.at.Add(fault.Delay)); late > 0 {
			return c.data, u.wait(time.After(late), changed)
		}
	case Slow:
		n := min(pieceBytes, len(c.data))
		pause := time.Duration(n) * time.Second / time.Duration(fault.BytesPerSecond)
		return c.data[n:], u.wait(time.After(pause), nil) && u.send(c.data[:n])
	case Truncate, Flip:
		return u.damage(c.data, fault.Kind)
	}
	return nil, u.send(c.data)
}

// damage lets pass what is left of the budget, and then breaks the connection or
// changes one bit.
func (u *pump) damage(data []byte, kind FaultKind) (rest []byte, ok bool) {
	if u.budget < 0 || u.budget >= len(data) {
		u.budget -= len(data)
		u.budget = max(u.budget, -1)
		return nil, u.send(data)
	}
	at := u.budget
	u.budget = -1
	u.pair.link.hits[kind].Add(1)
	if kind == Truncate {
		u.send(data[:at])
		_ = u.to.CloseWrite() // One end sees it end in the middle, the other one sees it break.
		return nil, false
	}
	data[at] ^= 1 << (at % 8)
	return nil, u.send(data)
}

// wait waits for one of two channels, and returns false if the pair ends before.
func (u *pump) wait(timer <-chan time.Time, changed <-chan struct{}) bool {
	select {
	case <-timer:
		return true
	case <-changed:
		return true
	case <-u.pair.ctx.Done():
		return false
	}
}

func (u *pump) send(data []byte) bool {
	_, err := u.to.Write(data)
	return err == nil
}
