// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/wire"
)

// errTooOld is what is wrong with a capture that does not have what the member needs.
var errTooOld = errors.New("the capture does not cover what the member needs")

// live is a capture that is sent to one member as it is read, in order. What was read
// last is kept, in case that it is asked for again.
type live struct {
	to       wire.NodeID
	meta     wire.SnapshotMeta
	data     io.ReadCloser
	offset   uint64 // how much has been read
	checksum uint32 // of that
	kept     []part
	atEnd    bool  // all has been read
	toldEnd  bool  // and the member knows that the data end here, unless it was lost
	lost     bool  // the member wants what is not kept: this capture is of no use to it
	at       int64 // when it was fetched from last
}

// part is a run of bytes of a live capture.
type part struct {
	offset uint64
	data   []byte
}

// live returns the live capture of this ID that a member may fetch.
func (s *Snapshotter) live(to wire.NodeID, id wire.SnapshotID) *live {
	if l := s.liveOf(to); l != nil && l.meta.ID == id {
		return l
	}
	return nil
}

func (s *Snapshotter) liveOf(to wire.NodeID) *live {
	for _, l := range s.lives {
		if l.to == to {
			return l
		}
	}
	return nil
}

// offerLive offers a member its live capture, or has one made.
func (s *Snapshotter) offerLive(o *offer) {
	l := s.liveOf(o.to)
	if l != nil && !l.lost && l.meta.Last.Index >= o.atLeast {
		s.sendOffer(o, l.meta)
		return
	}
	if l != nil {
		s.closeLive(l)
	} else if v, found := s.servedTo(o); found && v.ended {
		s.sendOffer(o, v.meta) // It has been sent all of it, and may be installing it.
		return
	}
	now := s.cfg.Now()
	switch {
	case s.streamAsked != nil || now < s.streamRetry.until: // The next offer asks.
	case s.cfg.Throttle.admit(s.cfg.Group, o.to, now, now+s.cfg.StallTimeout):
		asked := *o
		s.streamAsked = &asked
		s.cfg.Owner.Capture(true)
	}
}

// noteStream takes over a live capture, and offers it.
func (s *Snapshotter) noteStream(c *captured) {
	o := s.streamAsked
	s.streamAsked = nil
	if o == nil {
		closeCapture(c.data)
		return
	}
	err := c.err
	switch {
	case err != nil:
	case c.data == nil:
		err = errNoData
	case c.meta.Last.Index == 0 || c.meta.Last.Index < o.atLeast:
		err = errTooOld
	}
	now := s.cfg.Now()
	if err != nil {
		closeCapture(c.data)
		s.cfg.Throttle.release(s.cfg.Group, o.to)
		wait := s.streamRetry.fail(now)
		s.cfg.Owner.Trouble(fmt.Sprintf("no state captured for member %d: trying again in %v", o.to, wait), err)
		return
	}
	s.streamRetry.reset()
	l := &live{to: o.to, meta: c.meta, data: c.data, at: now}
	l.meta.ID, l.meta.External, l.meta.Size, l.meta.Checksum = s.drawID(), false, 0, 0
	s.lives = append(s.lives, l)
	s.sendOffer(o, l.meta)
}

// answerLive answers a fetch of a live capture: from what is kept, and reading on as far
// as it takes.
func (s *Snapshotter) answerLive(l *live, r *request, now int64) {
	l.at = now
	if !l.has(r.Offset) {
		// What is behind the position will be asked for again, when what was lost has been.
		l.lost = l.lost || r.Offset < l.offset
		s.refuse(r, wire.ChunkGone)
		return
	}
	l.lost = false
	length := s.lengthOf(r)
	if end := r.Offset + uint64(length); end > l.offset && !l.atEnd {
		if err := s.readLive(l, int(end-l.offset)); err != nil {
			s.cfg.Owner.Trouble(fmt.Sprintf("the state for member %d cannot be read: capturing it again", l.to), err)
			s.closeLive(l)
			s.refuse(r, wire.ChunkGone)
			return
		}
	}
	if data := l.keptAt(r.Offset, length); len(data) > 0 {
		s.sendData(r, &l.meta, data, now)
		l.forget(2 * s.cfg.Window)
		return
	}
	l.toldEnd = true
	l.meta.Size, l.meta.Checksum = l.offset, l.checksum
	s.sendEnd(r, &l.meta, now)
}

// has reports whether a fetch from an offset on can be answered: what it begins with is
// kept, or comes next, or there is no more.
func (l *live) has(offset uint64) bool {
	if offset >= l.offset {
		return offset == l.offset || l.atEnd
	}
	return len(l.kept) > 0 && offset >= l.kept[0].offset
}

// readLive reads on.
func (s *Snapshotter) readLive(l *live, length int) error {
	buf := make([]byte, length)
	n, err := s.fill(l.data, buf)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the capture at %d: %w", l.offset, err)
	}
	if l.atEnd = err == io.EOF; l.atEnd {
		closeCapture(l.data) // All that may be asked for again is kept.
		l.data = nil
	}
	if n > 0 {
		l.kept = append(l.kept, part{l.offset, buf[:n]})
		l.offset += uint64(n)
		l.checksum = crc32.Update(l.checksum, castagnoli, buf[:n])
	}
	return nil
}

// keptAt returns what is kept from an offset on, which is within one part but for a
// member that has resumed in the middle of one.
func (l *live) keptAt(offset uint64, length int) (data []byte) {
	for i := range l.kept {
		p := &l.kept[i]
		at := offset + uint64(len(data))
		if at < p.offset || at >= p.offset+uint64(len(p.data)) {
			continue
		}
		piece := p.data[at-p.offset:]
		piece = piece[:min(len(piece), length-len(data))]
		if data == nil {
			data = piece[:len(piece):len(piece)]
		} else {
			data = append(data, piece...)
		}
		if len(data) == length {
			break
		}
	}
	return data
}

// forget drops what was read long ago.
func (l *live) forget(keep int) {
	for len(l.kept) > keep {
		l.kept[0] = part{}
		l.kept = l.kept[1:]
	}
}

// liveUntil is when a capture is closed if its member is quiet: soon after it was told
// the end, for it would ask again if that had been lost.
func (s *Snapshotter) liveUntil(l *live) int64 {
	if l.toldEnd {
		return l.at + min(2*s.cfg.RetryAfter, s.cfg.StallTimeout)
	}
	return l.at + s.cfg.StallTimeout
}

// liveNext is when a capture is to be closed.
func (s *Snapshotter) liveNext() int64 {
	at := never
	for _, l := range s.lives {
		at = min(at, s.liveUntil(l))
	}
	return at
}

// closeLives closes the captures whose members have been quiet for too long.
func (s *Snapshotter) closeLives(now int64) {
	for i := len(s.lives) - 1; i >= 0; i-- {
		if s.liveUntil(s.lives[i]) <= now {
			s.closeLive(s.lives[i])
		}
	}
}

func (s *Snapshotter) closeLive(l *live) {
	closeCapture(l.data)
	s.cfg.Throttle.release(s.cfg.Group, l.to)
	for i := range s.lives {
		if s.lives[i] == l {
			s.lives = append(s.lives[:i], s.lives[i+1:]...)
			return
		}
	}
}
