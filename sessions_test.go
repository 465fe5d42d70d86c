// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSessionsAgainstAMap(t *testing.T) {
	type message struct {
		from       NodeID
		id, number uint64
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 4))
		var s sessions
		s.begin(1)
		seen, last := map[message]bool{}, map[message]uint64{}
		for step := range 5000 {
			m := message{from: NodeID(1 + random.IntN(3)), id: uint64(random.IntN(4))}
			of := m
			m.number = last[of] + uint64(random.IntN(8))
			switch op := random.IntN(40); {
			case op < 20:
				m.number -= min(m.number, uint64(random.IntN(1500)))
			case op == 20:
				m.number += uint64(random.IntN(3000))
			}
			want := m.number > 0 && m.number+sessionWindow > last[of] && !seen[m]
			if got := s.isNew(m.from, m.id, m.number); got != want {
				t.Fatalf("seed %d, step %d: %+v after %d: %v, want %v", seed, step, m, last[of], got, want)
			}
			if want {
				seen[m] = true
				last[of] = max(last[of], m.number)
			}
		}
	}
}

func TestSessionsBeginAnewWithATerm(t *testing.T) {
	var s sessions
	s.begin(1)
	if !s.isNew(2, 7, 1) || s.isNew(2, 7, 1) {
		t.Error("a message is not new exactly once")
	}
	s.begin(2)
	if !s.isNew(2, 7, 1) {
		t.Error("a message of another term is not told apart")
	}
}

func TestWhatIsForgottenIsKnown(t *testing.T) {
	s := sessions{forgotten: 3}
	for _, step := range []struct{ begins, forgotten Term }{{5, 3}, {7, 5}, {12, 7}} {
		if s.begin(step.begins); s.forgotten != step.forgotten {
			t.Errorf("leading in term %d, terms up to %d are forgotten, want %d", step.begins, s.forgotten, step.forgotten)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	var s sessions
	for id := range uint64(10 * sessionsMax) {
		if !s.isNew(2, id, 1) || s.isNew(2, id, 1) {
			t.Fatalf("the first message of session %d", id)
		}
	}
	if len(s.recent) != sessionsMax || cap(s.recent) > 2*sessionsMax {
		t.Errorf("%d sessions are remembered, in room for %d", len(s.recent), cap(s.recent))
	}
}

// TestAbsurdMessageNumbers ends, which is what matters: numbers come from the network.
func TestAbsurdMessageNumbers(t *testing.T) {
	for _, number := range []uint64{math.MaxUint64, math.MaxUint64 - 1, math.MaxUint64 - sessionWindow, 1 << 63} {
		var s sessions
		s.isNew(2, 1, 5)
		s.isNew(2, 1, number)
		s.isNew(2, 1, number)
	}
	var s sessions
	if s.isNew(2, 1, 0) {
		t.Error("there is no message 0")
	}
}
