// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"errors"
	"sync"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Order says what a stream is to do; see core.Replicate.
type Order struct {
	Term                wire.Term
	Epoch               wire.Epoch
	Prev                wire.LogID
	Probe               bool
	News                bool
	Last, Commit, Match wire.Index
	MatchTerm           wire.Term
}

// Config says what a stream is made of.
type Config struct {
	// Recent appends entries from lo to at most hi, of about bytesMax, at least one,
	// to dst, if they are in memory. It must not wait.
	Recent func(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, bool)
	// Load does the same from the log store, and may take its time.
	Load func(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error)
	// Send sends a message to the peer without waiting; false if it was dropped.
	Send func(message *wire.AppendEntries) bool
	// Lost is told when a message was dropped: the order has to be renewed. It must
	// not call the stream.
	Lost func()
	// Failed is told when entries could not be read, with a *LoadError. It must not call the
	// stream.
	Failed func(err error)

	// BatchBytes bounds one message.
	BatchBytes int
	// WindowBytes and WindowMessages bound what was sent and not acknowledged.
	WindowBytes, WindowMessages int
}

// Stream replicates to one peer. Its methods may be called from any goroutine, Step
// from one at a time.
type Stream struct {
	cfg  Config
	wake chan struct{}

	mu     sync.Mutex
	order  Order
	active bool // between Follow and Stop
	// cursor is the last entry sent, or start, which is Prev as the epoch began.
	cursor, start wire.LogID
	// told is the highest commit index sent in this epoch.
	told   wire.Index
	window window
	// probed says that the one message of a probe has been sent.
	probed bool
	// broken says that a message of this epoch was dropped: all that follows it
	// would be in vain.
	broken bool
	// loading says that the goroutine is reading the store for this stream, or is
	// about to: nobody else sends meanwhile.
	loading bool
	closed  bool
}

// New returns a stream that waits for its first order.
func New(cfg Config) *Stream {
	return &Stream{
		cfg: cfg, wake: make(chan struct{}, 1),
		window: window{messagesMax: cfg.WindowMessages, bytesMax: cfg.WindowBytes},
	}
}

// Follow takes over an order, and sends what can be sent without waiting.
func (s *Stream) Follow(order Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active || order.Term != s.order.Term || order.Epoch != s.order.Epoch {
		s.active = true
		s.cursor, s.start = order.Prev, order.Prev
		s.told = 0
		s.probed, s.broken = false, false
		s.window.reset()
	}
	s.order = order
	s.window.free(order.Match)
	if order.Match > s.cursor.Index { // The peer has it already.
		s.cursor = wire.LogID{Term: order.MatchTerm, Index: order.Match}
	}
	s.fill()
}

// Stop ends the order. When it has returned, no entry is read or sent any more: the
// loop stops its streams before it replaces entries.
func (s *Stream) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = false
}

// Sent returns the epoch of the stream and the last entry that it has sent in it,
// zero if none.
func (s *Stream) Sent() (wire.Epoch, wire.Index) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursor == s.start {
		return s.order.Epoch, 0
	}
	return s.order.Epoch, s.cursor.Index
}

// fill sends from memory until there is nothing to send, the window is full, or the
// log store is needed. The mutex is held.
func (s *Stream) fill() {
	for !s.loading && s.mayFill() {
		lo := s.cursor.Index + 1
		if lo > s.order.Last {
			s.send(nil)
			continue
		}
		entries, recent := s.cfg.Recent(nil, lo, s.order.Last, s.cfg.BatchBytes)
		if !recent {
			s.loading = true
			s.wakeUp()
			return
		}
		s.send(entries)
	}
}

// mayFill reports whether there is a message to send now.
func (s *Stream) mayFill() bool {
	switch {
	case !s.active || s.broken || s.closed:
		return false
	case s.order.Probe:
		return !s.probed
	case s.cursor.Index < s.order.Last:
		return s.window.hasRoom()
	}
	return s.order.News && s.told < s.order.Commit
}

// send sends one message behind the cursor.
func (s *Stream) send(entries []wire.Entry) {
	message := &wire.AppendEntries{
		Term: s.order.Term, Epoch: s.order.Epoch, Prev: s.cursor, Commit: s.order.Commit, Entries: entries,
	}
	if len(entries) > 0 {
		last := entries[len(entries)-1]
		invariant.Check(entries[0].Index == s.cursor.Index+1, "peer: entries follow what was sent", "first", entries[0].Index, "cursor", s.cursor.Index)
		invariant.Check(last.Term <= s.order.Term && last.Index <= s.order.Last, "peer: entries are the leader's", "last", last.Index, "term", last.Term)
		s.cursor = last.ID()
		s.window.add(last.Index, wire.SizeOf(entries))
	}
	s.probed = true
	s.told = max(s.told, s.order.Commit)
	if !s.cfg.Send(message) {
		s.broken = true
		s.cfg.Lost()
	}
}

// Run steps until Close. It is the stream's goroutine.
func (s *Stream) Run() {
	for range s.wake {
		for s.Step() {
		}
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return
		}
	}
}

// Close ends the stream and makes Run return when it has ended what it is reading.
func (s *Stream) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wakeUp()
}

// Wakes returns the channel that wakes Run, for whoever steps in its place.
func (s *Stream) Wakes() <-chan struct{} { return s.wake }

func (s *Stream) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

var errNothingRead = errors.New("the log store returned no entries")

// Step reads one batch from the log store, if the stream needs that, sends it, goes
// on from memory, and reports whether it needs the store again.
func (s *Stream) Step() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loading {
		return false
	}
	order, cursor := s.order, s.cursor
	if s.active && !s.closed && cursor.Index < order.Last {
		s.mu.Unlock()
		entries, err := s.cfg.Load(nil, cursor.Index+1, order.Last, s.cfg.BatchBytes)
		if err == nil && len(entries) == 0 {
			err = errNothingRead
		}
		if err != nil {
			err = &LoadError{First: cursor.Index + 1, Err: err}
		}
		s.mu.Lock()
		s.loaded(order, cursor, entries, err)
	}
	s.loading = false
	s.fill()
	return s.loading
}

// loaded sends what was read, unless the order has changed meanwhile.
func (s *Stream) loaded(order Order, cursor wire.LogID, entries []wire.Entry, err error) {
	isSame := s.active && s.order.Term == order.Term && s.order.Epoch == order.Epoch && s.cursor == cursor
	switch {
	case !isSame || s.closed:
	case err != nil:
		s.broken = true
		s.cfg.Failed(err)
	default:
		s.send(entries)
	}
}
