// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	// clients is how many clients write.
	clients = 24
	// pipelineLength is how many writes a client sends before it waits for answers.
	pipelineLength = 16
	// clientTimeout is longer than a server takes to say that it does not know.
	clientTimeout = 10 * time.Second
	// retryDelay is how long a client waits when a server is down or refuses.
	retryDelay = 20 * time.Millisecond
)

// load is the clients.
type load struct {
	addresses    []string
	ledgers      [clients]ledger
	acknowledged atomic.Int64
	pulse        *pulse
	began        time.Time
	took         time.Duration
	stopping     context.CancelFunc
	running      sync.WaitGroup
}

// startLoad starts clients that write until stop.
func startLoad(addresses []string, p *pulse) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{addresses: addresses, pulse: p, began: time.Now(), stopping: cancel}
	for id := range clients {
		l.running.Go(func() {
			w := writer{load: l, id: id, ledger: &l.ledgers[id]}
			w.run(ctx)
		})
	}
	return l
}

// stop lets the clients wait for the answers to what they have sent, and ends them.
func (l *load) stop() {
	l.stopping()
	l.running.Wait()
	l.took = time.Since(l.began)
}

// writer is one client. It is connected to one node and turns to the next when that fails.
type writer struct {
	load    *load
	id      int
	ledger  *ledger
	conn    *client.Client
	tries   int
	turn    int
	retries []write
}

func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !w.connect() || !w.exchange() {
			w.disconnect()
			select {
			case <-time.After(retryDelay):
			case <-ctx.Done():
			}
		}
	}
	w.disconnect()
}

func (w *writer) connect() bool {
	if w.conn != nil {
		return true
	}
	address := w.load.addresses[(w.id+w.tries)%len(w.load.addresses)]
	w.tries++
	var err error
	w.conn, err = client.Dial(address, clientTimeout)
	if err != nil {
		w.conn = nil
	}
	return err == nil
}

func (w *writer) disconnect() {
	if w.conn != nil {
		_ = w.conn.Close() // What it had to say is known.
		w.conn = nil
	}
}

// exchange sends some writes and notes the answers. It returns false if the client
// had better turn to another node.
func (w *writer) exchange() bool {
	writes := w.take()
	for _, one := range writes {
		one.queue(w.conn, w.id)
	}
	if err := w.conn.Flush(); err != nil {
		w.noteUnknown(writes)
		return false
	}
	good, served := 0, true
	for i, one := range writes {
		reply, err := w.conn.Receive()
		if err != nil {
			w.noteUnknown(writes[i:])
			served = false
			break
		}
		switch w.ledger.noteReply(one, reply) {
		case acknowledged:
			good++
		case refused:
			w.retries = append(w.retries, one)
			served = false
		}
	}
	if good > 0 {
		w.load.acknowledged.Add(int64(good))
		w.load.pulse.beat(time.Now())
	}
	return served
}

// take returns the writes that were refused before, and new ones.
func (w *writer) take() []write {
	writes := w.retries
	w.retries = nil
	for len(writes) < pipelineLength {
		writes = append(writes, w.ledger.next(mix[w.turn%len(mix)]))
		w.turn++
	}
	return writes
}

func (w *writer) noteUnknown(writes []write) {
	for _, one := range writes {
		w.ledger.note(one, unknown)
	}
}
