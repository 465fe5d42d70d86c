// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// waiters are the requests that have their place in the log and wait to be applied,
// in index order. The loop puts them in, the applier takes them out.
//
// Losing the leadership does not end them: the entry may yet be committed, and what
// is committed at its index tells its outcome. They end when that is known, when
// the loop gives up on them (expire), or with the group.
type waiters struct {
	mu    sync.Mutex
	queue []waiter // by ascending index
	// head is the first one in queue that still waits.
	head int
}

// waiter waits for the entries from first on, one for each command of its request.
type waiter struct {
	first   Index
	term    Term
	request *request
}

func (w *waiter) last() Index { return w.first + Index(len(w.request.commands)) - 1 }

// bind puts requests, whose commands stand in the log from first on, in term, at
// the end. Older ones at or after first are ended: their entries were overwritten
// here, and whether they are elsewhere will not be known by index.
func (ws *waiters) bind(requests []*request, first Index, term Term) (overwritten []*request) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for n := len(ws.queue); n > ws.head && ws.queue[n-1].last() >= first; n-- {
		overwritten = append(overwritten, ws.queue[n-1].request)
		ws.queue[n-1] = waiter{}
		ws.queue = ws.queue[:n-1]
	}
	ws.compact()
	for _, r := range requests {
		r.place(LogID{Term: term, Index: first})
		ws.queue = append(ws.queue, waiter{first: first, term: term, request: r})
		first += Index(len(r.commands))
	}
	return overwritten
}

// compact moves those that wait to the front when most of the queue is behind them.
func (ws *waiters) compact() {
	if ws.head < 1024 || ws.head < len(ws.queue)/2 {
		return
	}
	rest := copy(ws.queue, ws.queue[ws.head:])
	clear(ws.queue[rest:])
	ws.queue, ws.head = ws.queue[:rest], 0
}

// finished is a request with the error to finish it with.
type finished struct {
	request *request
	err     error
}

// applied takes over the values of applied commands, in index order, and appends
// the requests that are thereby finished to done.
func (ws *waiters) applied(done []finished, commands []wire.Entry, values [][]byte) []finished {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i := range commands {
		done = ws.overwrittenBefore(done, commands[i].Index)
		if ws.head == len(ws.queue) || ws.queue[ws.head].first > commands[i].Index {
			continue
		}
		w := &ws.queue[ws.head]
		if w.term != commands[i].Term {
			done = append(done, finished{request: w.request, err: ErrOverwritten})
			ws.pop()
			continue
		}
		result := Result{LogID: commands[i].ID()}
		if values != nil {
			result.Value = values[i]
		}
		w.request.results = append(w.request.results, result)
		if len(w.request.results) == len(w.request.commands) {
			done = append(done, finished{request: w.request})
			ws.pop()
		}
	}
	return done
}

// appliedThrough finishes those whose place was taken by entries that are no commands.
func (ws *waiters) appliedThrough(done []finished, through Index) []finished {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.overwrittenBefore(done, through+1)
}

// overwrittenBefore finishes those whose next place is before index: something else
// was applied there.
func (ws *waiters) overwrittenBefore(done []finished, index Index) []finished {
	for ws.head < len(ws.queue) {
		w := &ws.queue[ws.head]
		if w.first+Index(len(w.request.results)) >= index {
			break
		}
		done = append(done, finished{request: w.request, err: ErrOverwritten})
		ws.pop()
	}
	return done
}

func (ws *waiters) pop() {
	ws.queue[ws.head] = waiter{}
	ws.head++
	if ws.head == len(ws.queue) {
		ws.queue, ws.head = ws.queue[:0], 0
	}
}

// takeBelow takes out all that were proposed in a term below the one given.
func (ws *waiters) takeBelow(term Term) []*request {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var taken []*request
	kept := ws.queue[:0]
	for _, w := range ws.queue[ws.head:] {
		if w.term < term {
			taken = append(taken, w.request)
		} else {
			kept = append(kept, w)
		}
	}
	clear(ws.queue[len(kept):])
	ws.queue, ws.head = kept, 0
	return taken
}

// takeThrough takes out those that wait for an entry up to and including last.
func (ws *waiters) takeThrough(last Index) []*request {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var taken []*request
	for ws.head < len(ws.queue) && ws.queue[ws.head].first <= last {
		taken = append(taken, ws.queue[ws.head].request)
		ws.pop()
	}
	return taken
}

// count returns how many requests wait.
func (ws *waiters) count() int {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.queue) - ws.head
}
