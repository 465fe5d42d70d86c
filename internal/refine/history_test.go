// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestHistoryAgainstLogs grows a tree of logs at random, next to the logs themselves, and
// compares.
func TestHistoryAgainstLogs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		h := newHistory()
		logs := [][]wire.Term{nil}
		for term := wire.Term(1); term < 30; term += wire.Term(1 + random.IntN(3)) {
			log := slices.Clone(logs[random.IntN(len(logs))])
			log = log[:random.IntN(len(log)+1)]
			r := &reign{base: tipOf(log), last: wire.Index(len(log))}
			h.reigns[term] = r
			for range random.IntN(5) {
				log = append(log, term)
				r.last++
				logs = append(logs, slices.Clone(log))
			}
		}
		for range 500 {
			compareLogs(t, &h, logs[random.IntN(len(logs))], logs[random.IntN(len(logs))], random)
		}
	}
}

func tipOf(log []wire.Term) wire.LogID {
	if len(log) == 0 {
		return wire.LogID{}
	}
	return wire.LogID{Term: log[len(log)-1], Index: wire.Index(len(log))}
}

func compareLogs(t *testing.T, h *history, a, b []wire.Term, random *rand.Rand) {
	t.Helper()
	common := 0
	for common < min(len(a), len(b)) && a[common] == b[common] {
		common++
	}
	if got := h.common(tipOf(a), tipOf(b)); int(got) != common {
		t.Fatalf("%v and %v have %d in common, got %d", a, b, common, got)
	}
	index := random.IntN(len(a) + 1)
	if got := h.at(tipOf(a), wire.Index(index)); got != tipOf(a[:index]) {
		t.Fatalf("at %d of %v: %v", index, a, got)
	}
	isPrefix := common == len(b)
	if got := h.holds(tipOf(a), tipOf(b)); got != isPrefix {
		t.Fatalf("%v holds %v: %v", a, b, got)
	}
	if len(b) == 0 {
		return
	}
	first := random.IntN(len(b))
	var part []wire.Entry
	for i := first; i < len(b); i++ {
		part = append(part, wire.Entry{Index: wire.Index(i + 1), Term: b[i]})
	}
	if got := h.areFrom(tipOf(a), part); got != isPrefix {
		t.Fatalf("%v behind %d are from %v: %v", b, first, a, got)
	}
	part[random.IntN(len(part))].Term += 100
	if h.areFrom(tipOf(a), part) {
		t.Fatalf("%v are from %v", part, a)
	}
}

// TestQuorums compares with the definition: all sets that overlap in pairs.
func TestQuorums(t *testing.T) {
	m := &membershipAt{membership: members(1, 2, 3, 4)}
	m.membership.Voters, m.membership.Outgoing = []wire.NodeID{1, 2, 3}, []wire.NodeID{3, 4}
	for set := range 1 << 4 {
		has := func(id wire.NodeID) bool { return set>>(id-1)&1 == 1 }
		want := (has(1) && has(2) || has(1) && has(3) || has(2) && has(3)) && has(3) && has(4)
		if got := isQuorum(m, has); got != want {
			t.Errorf("%04b: %v", set, got)
		}
	}
	if isQuorum(nil, func(wire.NodeID) bool { return true }) || isQuorum(&membershipAt{}, func(wire.NodeID) bool { return true }) {
		t.Error("nobody is a quorum")
	}
}
