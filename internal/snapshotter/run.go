// SPDX-License-Identifier: Apache-2.0

package snapshotter

import "time"

// waitMax is how long Run waits at most, even if there is no deadline.
const waitMax = time.Hour

// Run steps until Close. It is the snapshotter's goroutine.
func (s *Snapshotter) Run() {
	s.mu.Lock()
	s.running = true
	s.mu.Unlock()
	timer := time.NewTimer(waitMax)
	defer timer.Stop()
	for {
		for s.Step() {
		}
		if s.isClosed() {
			s.endIfClosed()
			return
		}
		timer.Reset(min(time.Duration(max(s.Deadline()-s.cfg.Now(), 0)), waitMax))
		select {
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// Step does one bounded piece of work of each kind, and reports whether there is more
// to do at once. It is harmless when there is nothing to do, and after Close.
func (s *Snapshotter) Step() (more bool) {
	s.steps.Lock()
	if !s.ended && !s.isClosed() {
		more = s.step()
	}
	s.steps.Unlock()
	s.endIfClosed()
	return more && !s.isClosed()
}

// Deadline returns when Step has something to do even if nothing happens, in
// Config.Now's time. It is not after now if Step has something to do at once: after
// a Step that returned false, that takes another call of an exported method.
func (s *Snapshotter) Deadline() int64 {
	if s.isClosed() {
		return never
	}
	return s.next(s.cfg.Now())
}

// Close makes Run return, and ends all that is under way: captures are closed and who
// waits in Take is told. A transfer can be resumed later. If Run is not running, Close
// does that itself, or the Step that is running does at its end.
func (s *Snapshotter) Close() {
	s.mu.Lock()
	s.closed = true
	running := s.running
	s.mu.Unlock()
	s.wakeUp()
	if !running {
		s.endIfClosed()
	}
}

func (s *Snapshotter) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Wakes returns the channel that wakes Run, for whoever steps in its place.
func (s *Snapshotter) Wakes() <-chan struct{} { return s.wake }

func (s *Snapshotter) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// endIfClosed ends everything, once, unless somebody is stepping, who will then.
func (s *Snapshotter) endIfClosed() {
	if !s.isClosed() || !s.steps.TryLock() {
		return
	}
	defer s.steps.Unlock()
	if !s.ended {
		s.ended = true
		s.end()
	}
}

// end closes what is open. Nothing comes into the inbox any more.
func (s *Snapshotter) end() {
	s.mu.Lock()
	in := s.in
	s.in = inbox{}
	s.requests, s.admitted, s.chunks = nil, 0, nil
	s.mu.Unlock()
	for i := range in.captured {
		closeCapture(in.captured[i].data)
	}
	s.callers = append(s.callers, in.callers...)
	for len(s.lives) > 0 {
		s.closeLive(s.lives[0])
	}
	s.abortTake(ErrClosed)
	s.fetch, s.serves = nil, nil
	s.report()
}
