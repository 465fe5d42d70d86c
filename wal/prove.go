// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"sync"
	"time"
)

// proveAfter is how long the last batch stays without a proof when nothing is saved behind
// it, at most twice.
const proveAfter = time.Second

// mark proves that the last batch, if it changes something, was synced, so that damage
// to it can be told from a write that the power loss interrupted: an empty batch behind
// it says so, or, if there is no room for one, the last block of the segment.
//
// Nothing in the batch itself could say so. Until its sync returns, any subset of its
// sectors may reach the disk, in any order: its first and its last without the middle,
// and any of them in part. So whatever is there after rot or a misdirected write may be there
// after an interrupted write, too, footers and checksums by sector notwithstanding:
// these would tell a single flipped bit from a sector that is old as a whole, but not from
// one that was torn. Only a write that is begun when the sync has returned is evidence.
// To write it behind each Save would cost a write each time, and a sync for it to be of
// use; the next Save is one for nothing, so it is only done when there is none.
func (l *Log) mark() error {
	if !l.unproven {
		return nil
	}
	s := l.index.active()
	if l.room() < batchHeaderBytes {
		if err := s.prove(l.tail); err != nil {
			return err
		}
	} else {
		l.encoder.begin(s, l.tail.end, batchHeaderBytes)
		if err := l.commit(s); err != nil {
			return err
		}
	}
	l.unproven = false
	return nil
}

// prove says in the last block of a full segment, durably, that its last batch was synced.
func (s *segment) prove(t tail) error {
	buf := make([]byte, s.block)
	putProof(buf, s, t)
	if _, err := s.file.WriteAt(buf, int64(s.limit())); err != nil {
		return fmt.Errorf("wal: write the proof of segment %d: %w", s.number, err)
	}
	if err := s.file.SyncData(); err != nil {
		return fmt.Errorf("wal: sync the proof of segment %d: %w", s.number, err)
	}
	return nil
}

// prover is the goroutine that proves the last batch when nothing is saved behind it: a
// log may be idle for months, and all that time nothing else would tell the rot
// of its last batch from a write that was interrupted.
type prover struct {
	log     *Log
	wake    chan struct{}
	stopped chan struct{}
	done    sync.WaitGroup
}

func newProver(l *Log) *prover {
	return &prover{log: l, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// start starts the goroutine, if the log may have any.
func (p *prover) start() {
	if !p.log.options.Synchronous {
		p.done.Go(p.run)
	}
}

// stop ends the goroutine and waits for it. The caller may hold saveMu: the goroutine
// only ever tries to.
func (p *prover) stop() {
	close(p.stopped)
	p.done.Wait()
}

// afterSave says that there may be something to prove.
func (p *prover) afterSave() {
	select {
	case p.wake <- struct{}{}:
	default: // It is awake already.
	}
}

func (p *prover) run() {
	for {
		select {
		case <-p.stopped:
			return
		case <-p.wake:
		}
		seen, isDone := uint64(0), false
		for !isDone {
			select {
			case <-p.stopped:
				return
			case <-time.After(proveAfter):
			}
			seen, isDone = p.step(seen)
		}
	}
}

// step proves the last batch if no Save was begun since so many had been, and returns how
// many there are now, and whether there is nothing more to prove. It leaves it for later
// if a Save is going on, because that is a proof itself.
func (p *prover) step(seen uint64) (saves uint64, isDone bool) {
	l := p.log
	if !l.saveMu.TryLock() {
		return 0, false
	}
	defer l.saveMu.Unlock()
	if l.closed || l.failed != nil || !l.unproven {
		return l.saves, true
	}
	if l.saves != seen {
		return l.saves, false
	}
	if err := l.mark(); err != nil {
		l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
		l.options.Logger.Warn("wal: the next save will fail", "folder", l.options.Dir, "err", err)
	}
	return l.saves, true
}
