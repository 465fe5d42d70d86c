// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Why a transfer ends before its time.
var (
	errStalled       = errors.New("nothing came any more")
	errGone          = errors.New("the sender does not have it any more")
	errContradiction = errors.New("what came contradicts what was offered or came before")
)

// fetching is a snapshot that is being fetched.
//
// Invariant: held <= asked.
type fetching struct {
	from wire.NodeID
	meta wire.SnapshotMeta
	held uint64 // what is written
	// asked is where the next fetch begins: all before it has been asked for.
	asked uint64
	// length is what one fetch asks for: less than a chunk, if the sender gives less.
	length uint64
	// probing says that only one fetch is under way until a chunk comes: the sender may be
	// gone or busy.
	probing bool
	// quietSince is when the last chunk came or the last fetch was sent.
	quietSince int64
	// progressAt is when held grew last, or the transfer began.
	progressAt int64
	progressed bool
}

// accept begins to fetch a snapshot, or goes on with it from another member.
func (s *Snapshotter) accept(o *offered) {
	f := s.fetch
	own, found := s.find(o.meta.ID)
	switch {
	case found:
		s.cfg.Owner.Received(o.from, own)
	case o.meta.External || o.meta.ID == 0:
		s.counts.Dropped++
	case f == nil:
		s.beginFetch(o)
	case f.meta.ID == o.meta.ID && f.from != o.from:
		f.from = o.from
		s.askAgain(f)
	}
}

// beginFetch makes room for a snapshot in the store. It ends what the node takes itself.
func (s *Snapshotter) beginFetch(o *offered) {
	now := s.cfg.Now()
	if now < s.fetchRetry.until {
		return // The offer will be repeated.
	}
	s.abortTake(ErrFetching)
	err := s.clear(o.meta.ID)
	held := uint64(0)
	if err == nil {
		held, err = s.cfg.Store.Begin(s.cfg.Group, o.meta)
	}
	if err == nil && o.meta.Size > 0 && held > o.meta.Size {
		_ = s.cfg.Store.Abandon(s.cfg.Group)
		err = errContradiction
	}
	if err != nil {
		wait := s.fetchRetry.fail(now)
		s.cfg.Owner.Trouble(fmt.Sprintf("snapshot %v not fetched: trying again in %v", o.meta.ID, wait), err)
		return
	}
	if held > 0 {
		s.counts.Resumed++
	}
	s.fetch = &fetching{
		from: o.from, meta: o.meta, held: held, asked: held, length: uint64(s.cfg.ChunkBytes),
		progressAt: s.cfg.Now(),
	}
	s.ask(s.fetch)
}

// clear deletes a copy of a snapshot that is in the store but not listed, because it is
// damaged or was to be deleted anyway: a good one is about to take its place.
func (s *Snapshotter) clear(id wire.SnapshotID) error {
	isIt := func(other wire.SnapshotID) bool { return other == id }
	s.doomed = slices.DeleteFunc(s.doomed, isIt)
	s.undeleted = slices.DeleteFunc(s.undeleted, isIt)
	return s.cfg.Store.Delete(s.cfg.Group, id)
}

// ask sends as many fetches as the window has room for.
func (s *Snapshotter) ask(f *fetching) {
	for n := 0; n < s.cfg.Window && s.mayAsk(f); n++ {
		s.cfg.Owner.Send(f.from, &wire.SnapshotFetch{ID: f.meta.ID, Offset: f.asked, Length: uint32(f.length)})
		f.quietSince = s.cfg.Now()
		if size := f.meta.Size; size > 0 && f.asked < size {
			f.asked = min(f.asked+f.length, size) // The last fetch asks just for the end.
		} else {
			f.asked += f.length
		}
	}
}

// mayAsk reports whether there is something to ask for.
func (s *Snapshotter) mayAsk(f *fetching) bool {
	window := f.length * uint64(s.cfg.Window)
	if f.probing {
		window = f.length
	}
	isAll := f.meta.Size > 0 && f.asked > f.meta.Size
	return !isAll && f.asked < f.held+window
}

// askAgain asks for what is next, and for nothing else until that has come.
func (s *Snapshotter) askAgain(f *fetching) {
	f.asked, f.probing = f.held, true
	s.ask(f)
}

// fetchNext is when fetching has something to do, unless a chunk comes.
func (s *Snapshotter) fetchNext(now int64) int64 {
	f := s.fetch
	if f == nil {
		return never
	}
	return max(min(f.quietSince+s.cfg.RetryAfter, f.progressAt+s.cfg.StallTimeout), now)
}

// fetchOn takes in one chunk that belongs to the transfer, and looks at the clock when
// there is none.
func (s *Snapshotter) fetchOn() {
	for {
		s.mu.Lock()
		if len(s.chunks) == 0 {
			s.mu.Unlock()
			break
		}
		d := s.chunks[0]
		s.chunks[0] = delivery{}
		s.chunks = s.chunks[:copy(s.chunks, s.chunks[1:])]
		s.mu.Unlock()
		if f := s.fetch; f != nil && d.from == f.from && d.message.ID == f.meta.ID {
			s.receive(f, d.message)
			return
		}
		s.counts.Dropped++
	}
	f, now := s.fetch, s.cfg.Now()
	switch {
	case f == nil:
	case now >= f.progressAt+s.cfg.StallTimeout:
		s.giveUp(f, errStalled)
	case now >= f.quietSince+s.cfg.RetryAfter:
		s.askAgain(f)
	}
}

// receive takes in a chunk of the transfer.
func (s *Snapshotter) receive(f *fetching, m *wire.SnapshotChunk) {
	isPast := m.Status == wire.ChunkEnd && m.Offset < f.held
	switch {
	case isPast:
		s.refuseAll(f)
	case m.Offset != f.held: // Out of order: what is missing will be asked for again.
		s.counts.Dropped++
	case m.Status == wire.ChunkData:
		s.write(f, m)
	case m.Status == wire.ChunkEnd:
		s.publishFetched(f, m.Checksum)
	case m.Status == wire.ChunkGone:
		if !f.progressed {
			s.fetchRetry.fail(s.cfg.Now())
		}
		s.giveUp(f, errGone)
	case m.Status == wire.ChunkBusy:
		f.probing, f.quietSince = true, s.cfg.Now() // It is asked again after RetryAfter.
	}
}

// write appends a chunk to what is held.
func (s *Snapshotter) write(f *fetching, m *wire.SnapshotChunk) {
	n := uint64(len(m.Data))
	if n == 0 || n > uint64(s.cfg.ChunkBytes) || crc32.Checksum(m.Data, castagnoli) != m.Checksum {
		s.counts.Dropped++
		return
	}
	if f.meta.Size > 0 && f.held+n > f.meta.Size {
		s.refuseAll(f)
		return
	}
	if err := s.cfg.Store.Write(s.cfg.Group, f.meta.ID, f.held, m.Data); err != nil {
		s.fetchRetry.fail(s.cfg.Now())
		s.giveUp(f, fmt.Errorf("write a snapshot at %d: %w", f.held, err))
		return
	}
	f.held += n
	f.asked = max(f.asked, f.held) // It may be an answer to a fetch from before askAgain.
	f.progressAt = s.cfg.Now()
	f.quietSince, f.progressed, f.probing = f.progressAt, true, false
	s.counts.BytesIn += n
	if n < f.length && f.held != f.meta.Size {
		// Either the data end here, or this sender gives no more at a time: then what
		// has been asked for leaves gaps.
		f.length = max(n, min(chunkBytesMin, f.length))
		s.askAgain(f)
		return
	}
	s.ask(f)
}

// publishFetched ends a transfer that is complete.
func (s *Snapshotter) publishFetched(f *fetching, checksum uint32) {
	meta := f.meta
	if meta.Size > 0 && (meta.Size != f.held || meta.Checksum != checksum) {
		s.refuseAll(f)
		return
	}
	if err := s.cfg.Store.Publish(s.cfg.Group, meta.ID, f.held, checksum); err != nil {
		_ = s.cfg.Store.Abandon(s.cfg.Group)
		s.fetchRetry.fail(s.cfg.Now())
		s.giveUp(f, fmt.Errorf("publish a fetched snapshot: %w", err))
		return
	}
	meta.Size, meta.Checksum = f.held, checksum
	s.fetch = nil
	s.fetchRetry.reset()
	s.insert(meta)
	s.counts.Received++
	s.pruneNow()
	s.cfg.Owner.Received(f.from, meta)
}

// refuseAll ends a transfer whose parts do not belong together: it must begin anew.
func (s *Snapshotter) refuseAll(f *fetching) {
	_ = s.cfg.Store.Abandon(s.cfg.Group)
	s.fetchRetry.fail(s.cfg.Now())
	s.giveUp(f, errContradiction)
}

// giveUp forgets a transfer. What is held stays in the store, unless it was abandoned.
func (s *Snapshotter) giveUp(f *fetching, err error) {
	s.fetch = nil
	s.counts.Interrupted++
	what := fmt.Sprintf("snapshot %v from member %d interrupted after %d bytes: going on with the next offer", f.meta.ID, f.from, f.held)
	s.cfg.Owner.Trouble(what, err)
}
