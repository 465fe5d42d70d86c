// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
)

const (
	// insideTimeout is for how long the server believes that the node is a member, once it has seen that: to look
	// costs more than a batch should.
	insideTimeout = 100 * time.Millisecond
	// waitLookInterval is how often it looks for a batch that waits.
	waitLookInterval = time.Second
)

// outsideError is why a node cannot serve anybody: it is no member of the group. Another node can.
type outsideError struct {
	node raft.NodeID
	why  string
}

// Error says why.
func (e *outsideError) Error() string { return fmt.Sprintf("node %d %s", e.node, e.why) }

// outsideOf says why a node cannot serve, nil if it can or may soon: a node that is sent its first snapshot knows a
// leader before it knows the members; and one that was told that it was removed, and follows a leader all the same,
// is a member as far as that one goes.
func outsideOf(s *raft.Status) *outsideError {
	switch {
	case s.Failure != nil: // It is said in other words.
		return nil
	case s.RemovedAt != 0 && (s.Leader == 0 || !s.Membership.Contains(s.ID)):
		return &outsideError{node: s.ID, why: "was removed from the group"}
	case s.Membership.IsEmpty() && s.Leader == 0:
		return &outsideError{node: s.ID, why: "is a member of no group yet"}
	}
	return nil
}

// outside says why the node cannot serve, nil if it can, or could a moment ago.
func (s *Server) outside() *outsideError {
	now := time.Now().UnixNano()
	if now < s.insideUntil.Load() {
		return nil
	}
	status := s.cfg.Group.Status()
	outside := outsideOf(&status)
	if outside == nil {
		s.insideUntil.Store(now + int64(insideTimeout))
	}
	return outside
}

// wait bounds how long a batch waits: as long as a request may take, but no longer than the node is a member. A
// command that has been passed to a leader when the node is removed has time to be answered until the next look.
type wait struct {
	server *Server
	cancel context.CancelCauseFunc
	until  time.Time

	mu       sync.Mutex
	timer    *time.Timer
	hasEnded bool
}

// begin returns the context of a batch, and what has to be ended. Why the context has ended is its cause.
func (s *Server) begin() (context.Context, *wait) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	w := &wait{server: s, cancel: cancel, until: time.Now().Add(s.cfg.RequestTimeout)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(min(s.cfg.RequestTimeout, waitLookInterval), w.look)
	return ctx, w
}

// look ends the context if it is time, or the node is no member, and else looks again later.
func (w *wait) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hasEnded {
		return
	}
	left := time.Until(w.until)
	if left <= 0 {
		w.cancel(context.DeadlineExceeded)
		return
	}
	if outside := w.server.outside(); outside != nil {
		w.cancel(outside)
		return
	}
	w.timer.Reset(min(left, waitLookInterval))
}

func (w *wait) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hasEnded = true
	w.timer.Stop()
	w.cancel(nil)
}
