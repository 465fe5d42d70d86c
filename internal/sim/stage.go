// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"
	"time"

	"github.com/balsa-raft/raft/internal/drive"
)

// stageKind tells the stages of a node apart.
type stageKind uint8

const (
	writerStage stageKind = iota
	loopStage
	applierStage
	streamStage
	snapshotStage
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
	case strings.HasPrefix(name, "snapshotter"):
		return snapshotStage
	}
	return streamStage
}

// adopt takes over the stages that the node has added. Like a goroutine that begins, each
// has a look first, but for streams, which wait to be woken.
func (n *node) adopt() {
	for i := len(n.stages); i < len(n.driver.Stages); i++ {
		s := &stage{n: n, life: n.life, kind: kindOf(n.driver.Stages[i].Name), Stage: n.driver.Stages[i]}
		n.stages = append(n.stages, s)
		if s.kind != streamStage {
			s.poke()
		}
	}
}

// listen wakes the stages whose goroutines production would wake now, and nobody else: where
// production forgets to wake somebody, what is to be done is not done here either.
func (n *node) listen() {
	for _, s := range n.stages {
		if len(s.Wake) > 0 { // Nobody else receives from it.
			<-s.Wake
			s.poke()
		}
	}
}

// retime sets the timers anew, because the clock goes in another way than before.
func (n *node) retime() {
	for _, s := range n.stages {
		s.timerAt = 0
		s.setTimer()
	}
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
	case writerStage, snapshotStage:
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
	case writerStage, snapshotStage:
		return s.n.stalledUntil
	case applierStage:
		return s.n.applyStalledUntil
	}
	return 0
}

func (s *stage) isAlive() bool { return s.life == s.n.life && s.n.up }

// run takes a step, if it has not been taken meanwhile.
func (s *stage) run() {
	if !s.isAlive() || !s.due {
		return
	}
	if s.n.paused {
		return // It is taken when the process goes on.
	}
	s.due = false
	if s.stalledUntil() > s.n.w.now {
		s.poke()
		return
	}
	s.step()
	s.n.settle()
}

// step takes a step and sees who has something to do then. It may be within the step of
// another stage of the node.
func (s *stage) step() {
	n := s.n
	s.due, s.busy = false, true
	n.stepping++
	more := s.Step()
	n.stepping--
	s.busy = false
	n.adopt()
	switch s.kind {
	case loopStage:
		n.observe()
	case applierStage:
		n.observeApplied()
	}
	s.setTimer()
	n.listen()
	if more {
		s.poke()
	}
}

// setTimer schedules the stage's deadline, unless a timer goes off before it.
func (s *stage) setTimer() {
	if s.Deadline == nil {
		return
	}
	w := s.n.w
	at := s.n.worldAt(s.Deadline())
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
		return // It is set again when the process goes on.
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
		if s.due && !s.busy && s.kind != writerStage && s.stalledUntil() <= w.now {
			s.step()
		}
	}
}
