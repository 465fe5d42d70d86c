// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"
	"time"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/internal/progress"
)

// stageKind tells the stages of a node apart.
type stageKind uint8

const (
	writerStage stageKind = iota
	loopStage
	applierStage
	streamStage
)

// stage is one of a node's stages, which in production is a goroutine: it takes a step
// some time after there may be something for it to do.
type stage struct {
	n    *node
	life int
	kind stageKind
	drive.Stage

	due     bool  // a step is scheduled
	busy    bool  // it is within a step
	timerAt int64 // of the earliest timer that is scheduled, zero if none
}

func kindOf(name string) stageKind {
	switch {
	case strings.HasPrefix(name, "log writer"):
		return writerStage
	case strings.HasPrefix(name, "loop"):
		return loopStage
	case strings.HasPrefix(name, "applier"):
		return applierStage
	}
	return streamStage
}

// adopt takes over the stages that the node has added.
func (n *node) adopt() {
	for i := len(n.stages); i < len(n.driver.Stages); i++ {
		s := n.driver.Stages[i]
		n.stages = append(n.stages, &stage{n: n, life: n.life, kind: kindOf(s.Name), Stage: s})
	}
}

// wake lets every stage have a look.
func (n *node) wake() {
	n.adopt()
	for _, s := range n.stages {
		s.poke()
	}
}

// wakeKind lets the stages of a kind have a look.
func (n *node) wakeKind(kind stageKind) {
	for _, s := range n.stages {
		if s.kind == kind {
			s.poke()
		}
	}
}

// wakeOthers wakes the other stages after a turn of the loop. In production each of them is
// woken by what it is left, which cannot be seen here, and a step in vain costs as much as
// another; so nobody is woken by a turn of which it is plain that it left nothing: one in
// which only heartbeats came or went, and nothing changed.
func (n *node) wakeOthers(before *core.Status) {
	isPlain := !n.stirred && *before == n.brief && n.isIdle()
	n.stirred = false
	if isPlain {
		return
	}
	for _, s := range n.stages {
		if s.kind != loopStage {
			s.poke()
		}
	}
}

// isIdle reports whether a member follows or leads, and has nothing to write, to apply or
// to replicate.
func (n *node) isIdle() bool {
	idle := n.brief.Leader != 0 && n.core.Quiet() && n.view.Applied == n.view.Commit
	n.core.VisitPeers(func(p *progress.Progress) { idle = idle && p.Match == n.brief.Last })
	return idle
}

// poke says that there may be something to do.
func (s *stage) poke() {
	if s.due {
		return
	}
	s.due = true
	s.n.w.push(s.n.w.now+s.latency(), event{step: s})
}

// latency draws how long it takes until a stage takes its step. That of the log writer
// is the time that the disk takes.
func (s *stage) latency() int64 {
	w := s.n.w
	most := 20 * time.Microsecond
	switch s.kind {
	case writerStage:
		most = 2 * w.plan.diskLatency * time.Duration(s.n.disk.slow)
	case applierStage, streamStage:
		most = 100 * time.Microsecond
	}
	at := w.now + 1 + w.scheduling.Int64N(int64(most))*s.n.slow
	return max(at, s.stalledUntil()) - w.now
}

// stalledUntil is when what the stage depends on goes on.
func (s *stage) stalledUntil() int64 {
	switch s.kind {
	case writerStage:
		return s.n.stalledUntil
	case applierStage:
		return s.n.applyStalledUntil
	}
	return 0
}

func (s *stage) isAlive() bool { return s.life == s.n.life && s.n.up }

// run takes a step and sees who has something to do then.
func (s *stage) run() {
	if !s.isAlive() {
		return
	}
	s.due = false
	n := s.n
	if n.paused {
		return // All are woken when it goes on.
	}
	if s.stalledUntil() > n.w.now {
		s.poke()
		return
	}
	s.step()
	n.settle()
}

// step takes a step. It may be within the step of another stage of the node.
func (s *stage) step() {
	n := s.n
	s.busy = true
	n.stepping++
	did := n.did
	more := s.Step()
	n.stepping--
	s.busy = false
	n.adopt()
	switch s.kind {
	case loopStage:
		before := n.brief
		n.observe()
		n.wakeOthers(&before)
		s.setTimer()
	case applierStage:
		n.observeApplied()
	}
	if n.did != did {
		n.stirred = true
		n.wakeKind(loopStage)
	}
	if more {
		s.poke()
	}
}

// setTimer schedules the stage's deadline, unless a timer goes off before it.
func (s *stage) setTimer() {
	w := s.n.w
	deadline := s.Deadline()
	at := s.n.worldAt(deadline)
	if at == never || s.timerAt != 0 && s.timerAt <= at {
		return
	}
	at = s.late(max(at, w.now))
	s.timerAt = at
	w.push(at, event{timer: s})
}

// late draws how late a timer goes off.
func (s *stage) late(at int64) int64 {
	w := s.n.w
	if beat := s.n.beat; beat > 0 && at%beat != 0 {
		w.fault(BurstTimer)
		at += beat - at%beat
	}
	if w.chance(w.scheduling, LateTimer, 0.02) {
		w.fault(LateTimer)
		at += int64(logDuration(w.scheduling, time.Millisecond, 2*w.plan.electionTimeout))
	}
	return at
}

// ring is called when a timer goes off.
func (s *stage) ring(at int64) {
	if !s.isAlive() || s.timerAt != at {
		return
	}
	s.timerAt = 0
	if s.n.paused {
		return
	}
	if s.n.at(at) >= s.Deadline() {
		s.poke()
		return
	}
	s.setTimer()
}

// interleave lets other stages of the node take steps while one is within a disk
// operation, as goroutines do.
func (n *node) interleave() {
	w := n.w
	if n.stepping != 1 || !w.chance(w.scheduling, Interleave, 0.2) {
		return
	}
	w.fault(Interleave)
	for range 1 + w.scheduling.IntN(3) {
		s := n.stages[w.scheduling.IntN(len(n.stages))]
		if !s.busy && s.kind != writerStage && s.stalledUntil() <= w.now {
			s.step()
		}
	}
}
