// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"sync"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

const (
	// callersMax bounds how many calls of Take wait.
	callersMax = 64
	// requestsMax bounds how many fetches of all members together wait to be answered.
	requestsMax = 256
	// never is a deadline that does not come.
	never int64 = math.MaxInt64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Snapshotter is the stage of one group. Step, Run and Deadline are for one goroutine;
// the other methods may be called by any, and do not wait for a disk.
type Snapshotter struct {
	cfg   Config
	wake  chan struct{}
	meter meter

	mu sync.Mutex
	in inbox
	// requests are fetches of other members, in the order they came. Those before
	// admitted may be served.
	requests []request
	admitted int
	chunks   []delivery          // parts of what is being fetched, in the order they came
	catalog  []wire.SnapshotMeta // what is published, newest first
	pins     map[wire.SnapshotID]int
	unread   map[wire.SnapshotID]int // see noteRead; of those in the catalog
	board    Status
	busy     string
	dropped  uint64
	closed   bool
	running  bool // Run will end what is under way

	// steps is held by whoever steps or ends the snapshotter, so that Close can do the
	// latter when nobody steps; it guards all that follows.
	steps  sync.Mutex
	ended  bool
	counts Counters

	policy  policyState
	take    *taking
	asked   bool // a capture for a snapshot of the node's own is under way
	callers []func(wire.SnapshotMeta, error)
	// wanted says that a snapshot is needed, whatever the policy: to be offered, or
	// because one is damaged.
	wanted bool
	retry  backoff
	// frontier is the highest entry that a snapshot covers whose state the node has
	// had: one taken here, or restored.
	frontier wire.Index
	replace  *wire.SnapshotMeta // restored data that an External snapshot is to replace

	fetch      *fetching
	fetchRetry backoff

	serves      []serve
	lives       []*live
	streamAsked *offer // a live capture for this member is under way
	streamRetry backoff

	pruneAt   int64
	doomed    []wire.SnapshotID // not listed any more, to be deleted
	undeleted []wire.SnapshotID // to be deleted when the next one is published
}

// New returns the snapshotter of a group, with what the store has published. It does
// nothing until Run or Step is called.
func New(cfg Config) (*Snapshotter, error) {
	cfg = cfg.withDefaults()
	listed, err := cfg.Store.List(cfg.Group)
	if err != nil {
		return nil, fmt.Errorf("snapshotter: list the snapshots of group %d: %w", cfg.Group, err)
	}
	s := &Snapshotter{
		cfg: cfg, wake: make(chan struct{}, 1), pins: make(map[wire.SnapshotID]int),
		unread: make(map[wire.SnapshotID]int), pruneAt: never,
	}
	for i := range listed {
		s.insert(listed[i])
	}
	s.rearm(totals{})
	s.report()
	return s, nil
}

// Latest returns the newest snapshot that is published, if there is any.
func (s *Snapshotter) Latest() (wire.SnapshotMeta, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.catalog) == 0 {
		return wire.SnapshotMeta{}, false
	}
	return s.catalog[0], true
}

// Published returns all snapshots that are published, the newest first.
func (s *Snapshotter) Published() []wire.SnapshotMeta {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]wire.SnapshotMeta(nil), s.catalog...)
}

// step does one part of each thing that is under way. The mutex steps is held.
func (s *Snapshotter) step() (more bool) {
	s.collect()
	s.fetchOn()
	s.serveOn()
	s.takeOn()
	s.pruneOn()
	s.closeLives(s.cfg.Now())
	s.watch()
	s.report()
	now := s.cfg.Now()
	return s.next(now) <= now
}

// next is when the next step has something to do: now, if it has at once.
func (s *Snapshotter) next(now int64) int64 {
	if s.hasMail() {
		return now
	}
	at := min(s.fetchNext(now), s.serveNext(now), s.takeNext(now), s.liveNext())
	return min(at, s.pruneNext(now))
}

// find returns a published snapshot.
func (s *Snapshotter) find(id wire.SnapshotID) (wire.SnapshotMeta, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.catalog {
		if s.catalog[i].ID == id {
			return s.catalog[i], true
		}
	}
	return wire.SnapshotMeta{}, false
}

// newest returns the newest published snapshot that holds.
func (s *Snapshotter) newest(holds func(*wire.SnapshotMeta) bool) (wire.SnapshotMeta, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.catalog {
		if holds(&s.catalog[i]) {
			return s.catalog[i], true
		}
	}
	return wire.SnapshotMeta{}, false
}

// insert puts a snapshot into the catalog, before others that cover as much.
func (s *Snapshotter) insert(meta wire.SnapshotMeta) {
	invariant.Check(meta.ID != 0, "snapshotter: a snapshot has an ID")
	s.mu.Lock()
	defer s.mu.Unlock()
	at := 0
	for at < len(s.catalog) && s.catalog[at].Last.Index > meta.Last.Index {
		at++
	}
	s.catalog = append(s.catalog, wire.SnapshotMeta{})
	copy(s.catalog[at+1:], s.catalog[at:])
	s.catalog[at] = meta
}

// drawID names a snapshot.
func (s *Snapshotter) drawID() wire.SnapshotID {
	return wire.SnapshotID(max(s.cfg.Random(), 1))
}

// closeCapture ends a capture. What its Close says does not matter: all that is used
// of it has been read.
func closeCapture(data io.ReadCloser) {
	if data != nil {
		_ = data.Close()
	}
}
