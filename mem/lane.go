// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"bytes"
	"container/heap"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// reportDelay is how long after a message was lost to a cut or a closed transport
// its sender learns that the peer is unreachable. It keeps a sender that tries
// again at once from doing nothing else, which would stop the clock of a
// testing/synctest bubble.
const reportDelay = 10 * time.Millisecond

// batchMax is how many messages one call of deliver gets at most.
const batchMax = 1024

// parcel is a message under way.
type parcel struct {
	due      time.Time
	number   uint64 // orders parcels that are due at the same time
	encoded  []byte
	receiver *Transport
}

// lane carries messages from one transport to one node: the bulk messages, or the
// others. The network's mutex guards its fields; its goroutine delivers what is due.
type lane struct {
	sender *Transport
	route  route
	wake   chan struct{} // has room for one

	parcels   parcelHeap
	bytes     int // of the messages in parcels
	number    uint64
	latestDue time.Time // no parcel that keeps its order is due before it
	free      time.Time // when what was sent has left; see Conditions.BytesPerSecond
	reportDue time.Time // when the sender learns of a loss; zero if there was none
}

// enqueue puts a message on its way, unless the lane is full. The caller holds the
// network's mutex, as it does of the methods that follow.
func (l *lane) enqueue(encoded []byte, receiver *Transport, path *path) bool {
	network := l.sender.network
	bytesMax := network.laneBytes
	if l.route.bulk {
		bytesMax = network.bulkLaneBytes
	}
	if l.bytes > 0 && l.bytes+len(encoded) > bytesMax {
		return false
	}
	conditions := network.conditionsOf(l.route)
	if path.random.Float64() < conditions.DropRate {
		path.stats.Dropped++
		return true
	}
	l.push(encoded, receiver, conditions, path)
	if path.random.Float64() < conditions.DuplicateRate {
		path.stats.Duplicated++
		l.push(bytes.Clone(encoded), receiver, conditions, path)
	}
	return true
}

func (l *lane) push(encoded []byte, receiver *Transport, conditions *Conditions, path *path) {
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(conditions.carrying(len(encoded)))
	due := l.free.Add(conditions.delay(path.random))
	if !conditions.Reorder {
		if due.Before(l.latestDue) {
			due = l.latestDue
		}
		l.latestDue = due
	}
	l.number++
	l.bytes += len(encoded)
	heap.Push(&l.parcels, parcel{due: due, number: l.number, encoded: encoded, receiver: receiver})
	l.signal()
}

// reportLoss sees to it that the sender learns soon that the peer is unreachable. Nobody
// is told of lost bulk messages; see raft.Transport.
func (l *lane) reportLoss() {
	if !l.route.bulk && l.reportDue.IsZero() && !l.sender.network.silent {
		l.reportDue = time.Now().Add(reportDelay)
		l.signal()
	}
}

// abandon loses all that is under way.
func (l *lane) abandon(path *path) {
	path.stats.Dropped += uint64(len(l.parcels))
	l.parcels, l.bytes, l.reportDue = nil, 0, time.Time{}
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run delivers until the sender is closed.
func (l *lane) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, idle := l.step(); !idle {
			timer.Reset(wait)
		}
		select {
		case <-l.sender.stop:
			return
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// step delivers one batch, or reports one loss, if it is time. It returns how long
// to wait before the next step; idle means until something is sent.
func (l *lane) step() (wait time.Duration, idle bool) {
	network := l.sender.network
	network.mu.Lock()
	now := time.Now()
	batch, receiver := l.collect(now)
	report := l.takeReport(now)
	if receiver != nil {
		receiver.receiving.Add(1)
	}
	wait, idle = l.untilNext(now)
	network.mu.Unlock()

	if receiver != nil {
		receiver.deliver(l.route.from, batch)
		receiver.receiving.Done()
	}
	if report {
		l.sender.unreachable(l.route.to)
	}
	return wait, idle
}

// collect takes the parcels that are due, all for the same receiver and decoded
// again. A nil receiver means that there is nothing to deliver.
func (l *lane) collect(now time.Time) (batch []wire.Envelope, receiver *Transport) {
	path := l.sender.network.path(l.route)
	for len(l.parcels) > 0 && !l.parcels[0].due.After(now) && len(batch) < batchMax {
		if receiver != nil && l.parcels[0].receiver != receiver {
			break
		}
		p := heap.Pop(&l.parcels).(parcel)
		l.bytes -= len(p.encoded)
		envelope, ok := l.arrive(p, path)
		if ok {
			batch, receiver = append(batch, envelope), p.receiver
		}
	}
	return batch, receiver
}

// arrive decodes the message of a parcel, unless it is lost at the last moment.
func (l *lane) arrive(p parcel, path *path) (wire.Envelope, bool) {
	if p.receiver.closed || l.sender.network.isCut(l.route) {
		path.stats.Dropped++
		l.reportLoss()
		return wire.Envelope{}, false
	}
	envelope, rest, err := wire.DecodeEnvelope(p.encoded)
	if err != nil || len(rest) > 0 {
		path.stats.Malformed++
		path.stats.Dropped++
		return wire.Envelope{}, false
	}
	path.stats.Delivered++
	return envelope, true
}

// takeReport reports whether the sender is to be told now of a loss.
func (l *lane) takeReport(now time.Time) bool {
	if l.reportDue.IsZero() || l.reportDue.After(now) {
		return false
	}
	l.reportDue = time.Time{}
	return true
}

func (l *lane) untilNext(now time.Time) (wait time.Duration, idle bool) {
	next := l.reportDue
	if len(l.parcels) > 0 && (next.IsZero() || l.parcels[0].due.Before(next)) {
		next = l.parcels[0].due
	}
	if next.IsZero() {
		return 0, true
	}
	return max(next.Sub(now), 0), false
}

// parcelHeap orders parcels by due time; container/heap works on it.
type parcelHeap []parcel

func (h parcelHeap) Len() int      { return len(h) }
func (h parcelHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h parcelHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].number < h[j].number
}

// Push appends a parcel.
func (h *parcelHeap) Push(x any) { *h = append(*h, x.(parcel)) }

// Pop removes the last parcel.
func (h *parcelHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = parcel{}
	*h = old[:len(old)-1]
	return last
}
