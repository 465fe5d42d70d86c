// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// request is a fetch that waits to be answered.
type request struct {
	from wire.NodeID
	wire.SnapshotFetch
}

// serve remembers a member that fetches a published snapshot or a live capture. It
// is for the record only, and for what is offered and pruned: any fetch can be answered
// without it.
type serve struct {
	to     wire.NodeID
	meta   wire.SnapshotMeta
	offset uint64 // the end of what was sent last
	at     int64  // when it fetched last
	ended  bool   // it was sent the end
}

// queueRequest takes in a fetch, unless there are too many, of all or of this member,
// or the same one waits already. The mutex is held.
func (s *Snapshotter) queueRequest(from wire.NodeID, m *wire.SnapshotFetch) bool {
	if m.Length == 0 || len(s.requests) >= requestsMax {
		return false
	}
	own := 0
	for i := range s.requests {
		r := &s.requests[i]
		if r.from != from {
			continue
		}
		if own++; r.ID == m.ID && r.Offset == m.Offset {
			return false
		}
	}
	if own >= 2*s.cfg.Window {
		return false
	}
	s.requests = append(s.requests, request{from, *m})
	return true
}

// offer offers a member the newest snapshot that is new enough, or sees to it that
// there will be one.
func (s *Snapshotter) offer(o *offer) {
	if s.cfg.Durable {
		s.offerLive(o)
		return
	}
	var meta wire.SnapshotMeta
	v, found := s.servedTo(o)
	if found {
		meta, found = s.find(v.meta.ID)
	}
	if !found {
		meta, found = s.newest(func(m *wire.SnapshotMeta) bool { return !m.External && m.Last.Index >= o.atLeast })
	}
	if !found {
		s.wanted = true
		return
	}
	s.sendOffer(o, meta)
}

// servedTo returns the record of a member that has been fetching what is offered to it.
func (s *Snapshotter) servedTo(o *offer) (*serve, bool) {
	for i := range s.serves {
		if s.serves[i].to == o.to {
			return &s.serves[i], s.serves[i].meta.Last.Index >= o.atLeast
		}
	}
	return nil, false
}

func (s *Snapshotter) sendOffer(o *offer, meta wire.SnapshotMeta) {
	s.counts.Offered++
	s.cfg.Owner.Send(o.to, &wire.SnapshotOffer{Term: o.term, Epoch: o.epoch, Snapshot: meta})
}

// serveNext is when a fetch can be answered.
func (s *Snapshotter) serveNext(now int64) int64 {
	at := never
	for i := range s.serves {
		at = min(at, s.serves[i].at+s.cfg.StallTimeout)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admitted > 0 {
		at = min(at, s.cfg.Throttle.readyAt())
	}
	return max(at, now)
}

// serveOn refuses what cannot be served, and answers one fetch, if the rate allows.
func (s *Snapshotter) serveOn() {
	now := s.cfg.Now()
	s.forgetServes(now)
	s.admitRequests(now)
	s.mu.Lock()
	if s.admitted == 0 || s.cfg.Throttle.readyAt() > now {
		s.mu.Unlock()
		return
	}
	r := s.requests[0]
	s.requests = s.requests[:copy(s.requests, s.requests[1:])]
	s.admitted--
	s.mu.Unlock()
	s.answer(&r, now)
}

// admitRequests answers those new fetches at once that get no data.
func (s *Snapshotter) admitRequests(now int64) {
	s.mu.Lock()
	arrived := append([]request(nil), s.requests[s.admitted:]...)
	s.mu.Unlock()
	if len(arrived) == 0 {
		return
	}
	verdicts := make([]wire.ChunkStatus, len(arrived))
	for i := range arrived {
		verdicts[i] = s.verdict(&arrived[i], now)
	}
	s.mu.Lock() // Others have come behind these at most.
	rest := s.requests[s.admitted+len(arrived):]
	kept := s.requests[:s.admitted]
	for i := range arrived {
		if verdicts[i] == wire.ChunkData {
			kept = append(kept, arrived[i])
		}
	}
	s.admitted = len(kept)
	s.requests = append(kept, rest...)
	s.mu.Unlock()
	for i := range arrived {
		if verdicts[i] != wire.ChunkData {
			s.refuse(&arrived[i], verdicts[i])
		}
	}
}

// verdict says what a fetch is to be answered.
func (s *Snapshotter) verdict(r *request, now int64) wire.ChunkStatus {
	meta, found := s.find(r.ID)
	isLive := s.live(r.from, r.ID) != nil
	switch {
	case (!found || meta.External) && !isLive:
		return wire.ChunkGone
	case !s.cfg.Throttle.admit(s.cfg.Group, r.from, now, now+s.cfg.StallTimeout):
		return wire.ChunkBusy
	}
	return wire.ChunkData
}

// refuse answers a fetch without data. A member that was told that what it wants is gone
// has to be offered something else.
func (s *Snapshotter) refuse(r *request, status wire.ChunkStatus) {
	for i := range s.serves {
		if v := &s.serves[i]; status == wire.ChunkGone && v.to == r.from && v.meta.ID == r.ID && s.live(r.from, r.ID) == nil {
			s.serves = append(s.serves[:i], s.serves[i+1:]...)
			break
		}
	}
	s.send(r, &wire.SnapshotChunk{ID: r.ID, Offset: r.Offset, Status: status})
}

func (s *Snapshotter) send(r *request, chunk *wire.SnapshotChunk) {
	if !s.cfg.Owner.Send(r.from, chunk) {
		s.counts.Dropped++
		return
	}
	s.counts.BytesOut += uint64(len(chunk.Data))
}

// answer answers one fetch with data, or with the end of them.
func (s *Snapshotter) answer(r *request, now int64) {
	if l := s.live(r.from, r.ID); l != nil {
		s.answerLive(l, r, now)
		return
	}
	meta, found := s.find(r.ID)
	if !found { // It went while the fetch was waiting.
		s.refuse(r, wire.ChunkGone)
		return
	}
	if r.Offset >= meta.Size {
		s.sendEnd(r, &meta, now)
		return
	}
	buf := make([]byte, min(uint64(s.lengthOf(r)), meta.Size-r.Offset))
	if err := s.read(&meta, buf, r.Offset); err != nil {
		s.cfg.Owner.Trouble(fmt.Sprintf("snapshot %v cannot be sent", meta.ID), err)
		status := wire.ChunkBusy // The member asks again.
		if errors.Is(err, ErrDamaged) {
			status = wire.ChunkGone
		}
		s.refuse(r, status)
		return
	}
	s.sendData(r, &meta, buf, now)
}

// lengthOf is how many bytes a fetch is given.
func (s *Snapshotter) lengthOf(r *request) int {
	return s.cfg.Throttle.chunkBytes(int(min(r.Length, uint32(s.cfg.ChunkBytes))))
}

func (s *Snapshotter) sendData(r *request, meta *wire.SnapshotMeta, data []byte, now int64) {
	s.cfg.Throttle.spend(now, len(data))
	s.noteServe(r, meta, r.Offset+uint64(len(data)), now)
	s.send(r, &wire.SnapshotChunk{
		ID: r.ID, Offset: r.Offset, Status: wire.ChunkData, Checksum: crc32.Checksum(data, castagnoli), Data: data,
	})
}

// sendEnd tells a member that it has everything, and lets another one have its turn.
func (s *Snapshotter) sendEnd(r *request, meta *wire.SnapshotMeta, now int64) {
	if v := s.noteServe(r, meta, meta.Size, now); !v.ended {
		v.ended = true
		s.counts.Sent++
	}
	s.cfg.Throttle.release(s.cfg.Group, r.from)
	s.send(r, &wire.SnapshotChunk{ID: r.ID, Offset: meta.Size, Status: wire.ChunkEnd, Checksum: meta.Checksum})
}

// noteServe keeps the record of a member up to date.
func (s *Snapshotter) noteServe(r *request, meta *wire.SnapshotMeta, offset uint64, now int64) *serve {
	i := 0
	for i < len(s.serves) && s.serves[i].to != r.from {
		i++
	}
	if i == len(s.serves) {
		s.serves = append(s.serves, serve{to: r.from})
	}
	v := &s.serves[i]
	if v.meta.ID != meta.ID {
		*v = serve{to: r.from}
	}
	v.meta, v.offset, v.at = *meta, offset, now
	return v
}

// forgetServes drops the records of members that have not fetched for long.
func (s *Snapshotter) forgetServes(now int64) {
	kept := s.serves[:0]
	for _, v := range s.serves {
		if v.at+s.cfg.StallTimeout > now {
			kept = append(kept, v)
		}
	}
	s.serves = kept
}

// servedUntil is until when a snapshot must be kept for the sake of those who fetch it.
func (s *Snapshotter) servedUntil(id wire.SnapshotID) (until int64) {
	for i := range s.serves {
		if s.serves[i].meta.ID == id {
			until = max(until, s.serves[i].at+s.cfg.StallTimeout)
		}
	}
	return until
}
