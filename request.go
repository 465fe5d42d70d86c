// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/balsa-raft/raft/wire"
)

// request is a run of commands that were proposed together. Exactly one party holds
// it at a time (the inbox, the loop's backlog, the waiters or the forwards), and
// whoever takes it out of there for good finishes it, once.
type request struct {
	commands [][]byte
	bytes    int

	state atomic.Int32
	// index and term are the place of the first command once it has one.
	index, term atomic.Uint64

	// results are those of the applied prefix of commands; err is that of the first
	// command without one. Both belong to the holder until the request is finished.
	results []Result
	err     error

	// One of these is told when the request is finished.
	done     chan struct{} // of capacity 1: a caller waits
	callback func(Result, error)
	remote   *remoteRequest

	// Storage for a request of a single command.
	oneCommand [1][]byte
	oneResult  [1]Result
}

// The states of a request, as far as its caller is concerned.
const (
	// requestQueued: nobody has proposed it; the caller may withdraw it.
	requestQueued = iota
	// requestTaken: it was proposed, or passed to a leader.
	requestTaken
	// requestWithdrawn: the caller left in time; it is not to be proposed.
	requestWithdrawn
	// requestAbandoned: the caller left too late; there is no point in a retry.
	requestAbandoned
)

// requestPool keeps requests of callers that wait. It is a group's own, not the
// process's, because a channel must not leave the synctest bubble it was made in.
type requestPool struct{ pool sync.Pool }

// get returns a request of one command.
func (p *requestPool) get(command []byte) *request {
	r, _ := p.pool.Get().(*request)
	if r == nil {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.oneCommand[0] = command
	r.commands = r.oneCommand[:]
	r.results = r.oneResult[:0]
	r.bytes = commandBytes(command)
	return r
}

// put takes a request back when its caller has seen it finished.
func (p *requestPool) put(r *request) {
	r.commands, r.oneCommand[0] = nil, nil
	r.results, r.oneResult[0] = nil, Result{}
	r.err = nil
	r.state.Store(requestQueued)
	r.index.Store(0)
	r.term.Store(0)
	p.pool.Put(r)
}

// commandBytes is what a command counts in all limits in bytes.
func commandBytes(command []byte) int { return wire.EntryOverhead + len(command) }

// take marks the request as proposed; false if its caller has withdrawn it.
func (r *request) take() bool {
	return r.state.CompareAndSwap(requestQueued, requestTaken) || r.state.Load() == requestTaken
}

// untake lets a request that surely was not applied be proposed again; false if
// nobody waits for it any more.
func (r *request) untake() bool {
	r.index.Store(0)
	r.term.Store(0)
	return r.state.CompareAndSwap(requestTaken, requestQueued) || r.state.Load() == requestQueued
}

func (r *request) place(first LogID) {
	r.index.Store(uint64(first.Index))
	r.term.Store(uint64(first.Term))
}

func (r *request) logID() LogID {
	return LogID{Term: Term(r.term.Load()), Index: Index(r.index.Load())}
}

// unknown returns the error for a request whose outcome cannot be awaited.
func (r *request) unknown(cause error) error {
	id := r.logID()
	if id.Term != 0 {
		id.Index += Index(len(r.results))
	}
	return &UnknownOutcomeError{LogID: id, Cause: cause}
}

// finish tells whoever waits. The request is not the caller's any more.
func (r *request) finish(err error) {
	r.err = err
	switch {
	case r.remote != nil:
		r.remote.reply(r)
	case r.callback != nil:
		var result Result
		if err == nil {
			result = r.results[0]
		}
		r.callback(result, err)
	default:
		r.done <- struct{}{}
	}
}

var (
	errLeadershipLost = errors.New("leadership was lost before the entry was known to be committed")
	errPeerLost       = errors.New("the connection to the leader was lost")
	errGroupStopped   = errors.New("the group stopped on this node")
	errNoAnswer       = errors.New("the leader did not answer in time")
	errForgotten      = errors.New("the command was for an earlier leadership of the member that got it")
)
