// SPDX-License-Identifier: Apache-2.0

package quorum

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestVotesExhaustively tries every combination of answers and asks the definition:
// won if the grants are a quorum, lost if grants and missing answers are none.
func TestVotesExhaustively(t *testing.T) {
	for _, c := range configs() {
		ids := members(c)
		combinations := 1
		for range ids {
			combinations *= 3
		}
		for combination := range combinations {
			votes, granted, possible := map[wire.NodeID]Vote{}, map[wire.NodeID]bool{}, map[wire.NodeID]bool{}
			rest := combination
			for _, id := range ids {
				votes[id] = Vote(rest % 3)
				granted[id], possible[id] = votes[id] == Granted, votes[id] != Refused
				rest /= 3
			}
			want := Pending
			if isQuorum(c, granted) {
				want = Won
			} else if !isQuorum(c, possible) {
				want = Lost
			}
			if got := c.Votes(func(id wire.NodeID) Vote { return votes[id] }); got != want {
				t.Fatalf("%v with %v: got %v, want %v", c, votes, got, want)
			}
		}
	}
}

func TestVotesOfUnknownValue(t *testing.T) {
	c := Config{Voters: voters(1, 3)}
	if got := c.Votes(func(wire.NodeID) Vote { return 77 }); got != Lost {
		t.Errorf("got %v, want lost", got)
	}
}

func TestNames(t *testing.T) {
	for vote, want := range []string{"no answer", "granted", "refused", "unknown vote"} {
		if got := Vote(vote).String(); got != want {
			t.Errorf("vote %d is %q, want %q", vote, got, want)
		}
	}
	for verdict, want := range []string{"pending", "won", "lost", "unknown verdict"} {
		if got := Verdict(verdict).String(); got != want {
			t.Errorf("verdict %d is %q, want %q", verdict, got, want)
		}
	}
}
