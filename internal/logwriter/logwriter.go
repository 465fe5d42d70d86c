// SPDX-License-Identifier: Apache-2.0

package logwriter

import (
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// saveBytesMax bounds how much goes into one Save, so that no sync takes long; a
// single larger write is a Save of its own.
const saveBytesMax = 8 << 20

// saveUpdatesMax bounds the same in updates.
const saveUpdatesMax = 4096

// Store is where writes go; see raft.LogStore.
type Store interface {
	Save(updates []wire.Update) error
}

// Group is who queues writes, and is told about them. Both methods are called by
// the goroutine that runs the writer, or from within Queue, and must not block.
type Group interface {
	// LogSynced says that all writes up to and including seq are durable. idle says
	// that nothing waits to be written: the callee may take a little time.
	LogSynced(seq uint64, idle bool)
	// LogFailed says that writes failed, for good.
	LogFailed(err error)
}

// Writer is the log writer of a node. Its exported methods may be called from any
// goroutine, Step from one at a time.
type Writer struct {
	store Store
	now   func() int64
	wake  chan struct{}

	mu      sync.Mutex
	queue   []write
	bytes   int // of all entries in queue
	failure error
	closed  bool
	latency latency
	// savingSince is when the Save that is under way has begun, if saving says that one is.
	saving      bool
	savingSince int64

	// The rest belongs to the goroutine that steps.
	taken   []write
	updates []wire.Update
	synced  []synced
}

type write struct {
	group  Group
	seq    uint64
	update wire.Update
	size   int
}

// synced is the highest number of one group in a Save.
type synced struct {
	group Group
	seq   uint64
}

// New returns a writer, which does nothing until Run or Step is called. now is a clock that never
// runs backwards, in nanoseconds; it may be called from any goroutine.
func New(store Store, now func() int64) *Writer {
	return &Writer{store: store, now: now, wake: make(chan struct{}, 1)}
}

// Queue queues a write. It does not wait. The update's entries must not be
// changed until the write has ended.
func (w *Writer) Queue(group Group, seq uint64, update wire.Update) {
	size := wire.SizeOf(update.Entries)
	w.mu.Lock()
	if err := w.failure; err != nil {
		w.mu.Unlock()
		group.LogFailed(err)
		return
	}
	w.queue = append(w.queue, write{group: group, seq: seq, update: update, size: size})
	w.bytes += size
	isFirst := len(w.queue) == 1
	w.mu.Unlock()
	if isFirst {
		w.wakeUp()
	}
}

// Bytes returns the size of the entries that are queued and not yet being saved.
func (w *Writer) Bytes() int { return w.Stats().Bytes }

// Run steps until Close. It is the writer's goroutine.
func (w *Writer) Run() {
	for {
		for w.Step() {
		}
		w.mu.Lock()
		done := w.closed && len(w.queue) == 0
		w.mu.Unlock()
		if done {
			return
		}
		<-w.wake
	}
}

// Close makes Run return when all that is queued has been saved.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wakeUp()
}

// Wakes returns the channel that wakes Run, for whoever steps in its place.
func (w *Writer) Wakes() <-chan struct{} { return w.wake }

func (w *Writer) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Step does one Save, and reports whether there is more to do.
func (w *Writer) Step() (more bool) {
	if !w.collect() {
		return false
	}
	err := w.store.Save(w.updates)
	more = w.report(err)
	return more
}

// collect takes what waits, up to the bounds.
func (w *Writer) collect() bool {
	w.mu.Lock()
	n, size := 0, 0
	for n < len(w.queue) && n < saveUpdatesMax && (n == 0 || size+w.queue[n].size <= saveBytesMax) {
		size += w.queue[n].size
		n++
	}
	w.taken = append(w.taken[:0], w.queue[:n]...)
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	w.bytes -= size
	if n > 0 {
		w.begin()
	}
	w.mu.Unlock()

	w.updates = w.updates[:0]
	for i := range w.taken {
		w.updates = append(w.updates, w.taken[i].update)
	}
	return n > 0
}

// report tells each group once.
func (w *Writer) report(err error) (more bool) {
	w.mu.Lock()
	w.end()
	w.mu.Unlock()
	if err != nil {
		w.fail(err)
		return false
	}
	w.synced = w.synced[:0]
	for i := range w.taken {
		w.note(w.taken[i].group, w.taken[i].seq)
	}
	clear(w.taken)
	clear(w.updates)
	for _, s := range w.synced {
		s.group.LogSynced(s.seq, !w.hasMore())
	}
	return w.hasMore()
}

func (w *Writer) hasMore() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

// note keeps the highest number of a group. Groups write in runs, so the last one
// noted is nearly always the right one; the list has at most one item a group.
func (w *Writer) note(group Group, seq uint64) {
	for i := len(w.synced) - 1; i >= 0; i-- {
		if w.synced[i].group == group {
			w.synced[i].seq = seq
			return
		}
	}
	w.synced = append(w.synced, synced{group: group, seq: seq})
}

// fail drops everything, and tells everybody whose writes are lost.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	w.failure = err
	lost := append(w.taken, w.queue...)
	w.queue, w.bytes = nil, 0
	w.mu.Unlock()
	told := map[Group]bool{}
	for i := range lost {
		if group := lost[i].group; !told[group] {
			told[group] = true
			group.LogFailed(err)
		}
	}
}
