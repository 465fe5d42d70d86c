// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// emptyReadsMax bounds how often a capture may return neither data nor an error.
const emptyReadsMax = 100

// What is wrong with a capture.
var (
	errNoData  = errors.New("the capture has no data")
	errDrawnID = errors.New("the store has a snapshot of the same random ID")
)

// taking is a snapshot of the node's own that is being taken: first the applier is
// asked for a capture, then it is copied.
type taking struct {
	began   int64
	callers []func(wire.SnapshotMeta, error)

	copying  bool
	meta     wire.SnapshotMeta
	data     io.ReadCloser
	buf      []byte
	upTo     totals
	size     uint64
	checksum uint32
}

// takeNext is when taking has something to do.
func (s *Snapshotter) takeNext(now int64) int64 {
	switch {
	case s.take != nil && s.take.copying:
		return now
	case s.fetch != nil:
		return never
	case s.replace != nil:
		return now
	case s.take != nil || s.asked:
		return never // The applier answers.
	case len(s.callers) > 0:
		return now
	}
	at := s.policyNext(now)
	if s.wanted {
		at = now
	}
	if at == never {
		return never
	}
	return max(at, s.retry.until)
}

// takeOn does one step of taking.
func (s *Snapshotter) takeOn() {
	now := s.cfg.Now()
	switch {
	case s.takeNext(now) > now:
	case s.take != nil && s.take.copying:
		s.copyOn()
	case s.replace != nil:
		s.replaceRestored()
	default:
		s.take = &taking{began: now, callers: s.callers}
		s.callers = nil
		s.askCapture()
	}
}

func (s *Snapshotter) askCapture() {
	s.asked = true
	s.cfg.Owner.Capture(false)
}

// noteCaptured takes over a capture, or closes it if nobody waits for it any more.
func (s *Snapshotter) noteCaptured(c *captured) {
	if c.stream {
		s.noteStream(c)
		return
	}
	t := s.take
	s.asked = false
	switch {
	case t == nil || t.copying:
		closeCapture(c.data)
	case c.err != nil:
		closeCapture(c.data)
		s.failTake(fmt.Errorf("capture the state: %w", c.err))
	case c.meta.Last.Index == 0:
		closeCapture(c.data)
		s.skipTake(c, wire.SnapshotMeta{}, ErrNothing)
	default:
		s.useCapture(t, c)
	}
}

// useCapture begins to copy, unless there is such a snapshot already, or a newer state has
// been restored since the capture.
func (s *Snapshotter) useCapture(t *taking, c *captured) {
	same, found := s.newest(func(m *wire.SnapshotMeta) bool { return m.Last == c.meta.Last })
	switch {
	case found:
		closeCapture(c.data)
		s.skipTake(c, same, nil)
	case c.meta.Last.Index < s.frontier:
		closeCapture(c.data)
		s.askCapture()
	default:
		t.meta, t.data, t.upTo = c.meta, c.data, c.upTo
		s.beginCopy(t)
	}
}

// beginCopy begins a snapshot in the store. An External one is at its end with that.
func (s *Snapshotter) beginCopy(t *taking) {
	t.copying = true
	t.meta.ID, t.meta.Size, t.meta.Checksum = s.drawID(), 0, 0
	held, err := s.cfg.Store.Begin(s.cfg.Group, t.meta)
	switch {
	case err != nil:
		s.failTake(fmt.Errorf("begin a snapshot: %w", err))
	case held != 0:
		s.failTake(errDrawnID)
	case t.meta.External:
		s.publishTake()
	case t.data == nil:
		s.failTake(errNoData)
	default:
		t.buf = make([]byte, s.cfg.ChunkBytes)
	}
}

// copyOn copies one chunk from the capture into the store.
func (s *Snapshotter) copyOn() {
	t := s.take
	n, err := s.fill(t.data, t.buf)
	if n > 0 {
		if err := s.cfg.Store.Write(s.cfg.Group, t.meta.ID, t.size, t.buf[:n]); err != nil {
			s.failTake(fmt.Errorf("write a snapshot at %d: %w", t.size, err))
			return
		}
		t.checksum = crc32.Update(t.checksum, castagnoli, t.buf[:n])
		t.size += uint64(n)
	}
	switch {
	case err == io.EOF:
		s.publishTake()
	case err != nil:
		s.failTake(fmt.Errorf("read the capture at %d: %w", t.size, err))
	}
}

// fill reads from a capture until buf is full, or the capture ends: then the error
// is io.EOF. It stops early when the snapshotter is closed. A panic of the capture is
// an error.
func (s *Snapshotter) fill(data io.Reader, buf []byte) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the capture panicked: %v", cause)
		}
	}()
	for empty := 0; n < len(buf) && err == nil && !s.isClosed(); {
		var m int
		m, err = data.Read(buf[n:])
		n += m
		if empty++; m > 0 {
			empty = 0
		} else if empty >= emptyReadsMax && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// publishTake ends the copy.
func (s *Snapshotter) publishTake() {
	t := s.take
	closeCapture(t.data)
	t.data = nil
	if err := s.cfg.Store.Publish(s.cfg.Group, t.meta.ID, t.size, t.checksum); err != nil {
		s.failTake(fmt.Errorf("publish a snapshot: %w", err))
		return
	}
	t.meta.Size, t.meta.Checksum = t.size, t.checksum
	s.insert(t.meta)
	s.counts.Taken++
	s.frontier = max(s.frontier, t.meta.Last.Index)
	s.endTake(t)
	s.rearm(t.upTo)
	s.wanted = false
	s.retry.reset()
	s.pruneNow()
	s.cfg.Owner.Taken(t.meta)
	tell(t.callers, t.meta, nil)
}

// skipTake ends a take for which nothing has to be written.
func (s *Snapshotter) skipTake(c *captured, same wire.SnapshotMeta, err error) {
	t := s.take
	s.take = nil
	s.rearm(c.upTo)
	if s.wanted { // The one that is wanted, to be offered, cannot be taken yet.
		s.wanted = false
		s.retry.until = s.cfg.Now() + backoffMin
	}
	tell(t.callers, same, err)
}

// failTake gives a take up and says when the next one is tried.
func (s *Snapshotter) failTake(err error) {
	t := s.take
	s.counts.TakeFailed++
	s.endTake(t)
	if t.copying {
		_ = s.cfg.Store.Abandon(s.cfg.Group) // If it fails, the next Begin does it.
	}
	now := s.cfg.Now()
	s.retry.fail(now)
	what := "snapshot not taken: trying again when one is due or asked for"
	if at := s.takeNext(now); at != never {
		what = fmt.Sprintf("snapshot not taken: trying again in %v", time.Duration(at-now))
	}
	s.cfg.Owner.Trouble(what, err)
	tell(t.callers, wire.SnapshotMeta{}, err)
}

// endTake notes how long a take has lasted.
func (s *Snapshotter) endTake(t *taking) {
	closeCapture(t.data)
	s.take = nil
	now := s.cfg.Now()
	s.policy.notBefore = now + dutyFactor*(now-t.began)
}

// abortTake ends a take, for a reason that is no failure, and tells everybody who
// waits for one.
func (s *Snapshotter) abortTake(reason error) {
	if t := s.take; t != nil {
		closeCapture(t.data)
		if t.copying {
			_ = s.cfg.Store.Abandon(s.cfg.Group)
		}
		s.take = nil
		tell(t.callers, wire.SnapshotMeta{}, reason)
	}
	s.answerCallers(reason)
}

// answerCallers tells those for whom no take has begun yet.
func (s *Snapshotter) answerCallers(err error) {
	callers := s.callers
	s.callers = nil
	tell(callers, wire.SnapshotMeta{}, err)
}

func tell(callers []func(wire.SnapshotMeta, error), meta wire.SnapshotMeta, err error) {
	for _, done := range callers {
		done(meta, err)
	}
}
