// SPDX-License-Identifier: Apache-2.0

package quorum

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// bruteVotes is the definition: the election is won if those who have granted are a
// quorum, pending if they would be one in some way in which the others may still answer,
// and else lost.
func bruteVotes(c Config, votes map[wire.NodeID]Vote) Verdict {
	granted, open := map[wire.NodeID]bool{}, []wire.NodeID(nil)
	for _, id := range members(c) {
		granted[id] = votes[id] == Granted
		if votes[id] == NoAnswer {
			open = append(open, id)
		}
	}
	if len(c.Voters) > 0 && isQuorum(c, granted) {
		return Won
	}
	for answers := range 1 << len(open) {
		for i, id := range open {
			granted[id] = answers>>i&1 == 1
		}
		if len(c.Voters) > 0 && isQuorum(c, granted) {
			return Pending
		}
	}
	return Lost
}

// votesOf reads votes, one for each voter, from bytes; who gets none has not answered.
func votesOf(c Config, data []byte) map[wire.NodeID]Vote {
	votes := map[wire.NodeID]Vote{}
	for i, id := range members(c) {
		if i < len(data) {
			votes[id] = Vote(data[i] % 3)
		}
	}
	return votes
}

func compareVotes(t *testing.T, c Config, votes map[wire.NodeID]Vote) {
	t.Helper()
	got := c.Votes(func(id wire.NodeID) Vote { return votes[id] })
	if want := bruteVotes(c, votes); got != want {
		t.Errorf("%v with %v: %v, want %v", c, votes, got, want)
	}
}

// TestVotesByBruteForce gives every vote to every voter of small configurations, joint
// ones with every overlap.
func TestVotesByBruteForce(t *testing.T) {
	for _, c := range configs() {
		count := len(members(c))
		if count > 4 && len(c.Outgoing) > 0 || count > 5 {
			continue
		}
		all := 1
		for range count {
			all *= 3
		}
		for code := range all {
			data := make([]byte, count)
			for i, rest := 0, code; i < count; i, rest = i+1, rest/3 {
				data[i] = byte(rest % 3)
			}
			compareVotes(t, c, votesOf(c, data))
		}
	}
}

// FuzzVotes compares with brute force: the first two bytes choose the halves, the others
// are the votes.
func FuzzVotes(f *testing.F) {
	f.Add([]byte{3, 0, 1, 2, 0})
	f.Add([]byte{5, 0x33, 1, 1, 1, 2, 2, 0, 1})
	f.Add([]byte{7, 0x64, 1, 1, 0, 0, 2, 2, 1, 1, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		c := Config{Voters: voters(0, int(data[0]%8)), Outgoing: voters(int(data[1]>>4), int(data[1]&7))}
		if len(c.Voters) == 0 && len(c.Outgoing) > 0 {
			return // No membership that passed validation is like that.
		}
		compareVotes(t, c, votesOf(c, data[2:]))
	})
}

// FuzzQuorumsMeet is why all this is safe (§6): two quorums of a configuration, and one of
// it and one of a joint configuration that it is half of, have a member in common.
func FuzzQuorumsMeet(f *testing.F) {
	f.Add(byte(3), byte(0x23), uint16(3), uint16(6))
	f.Add(byte(5), byte(0x35), uint16(0x1f), uint16(0xe0))
	f.Fuzz(func(t *testing.T, count, other byte, a, b uint16) {
		old := Config{Voters: voters(0, 1+int(count%7))}
		joint := Config{Voters: voters(int(other>>4)%9, 1+int(other%7)), Outgoing: old.Voters}
		for _, pair := range [][2]Config{{old, old}, {old, joint}, {joint, joint}, {joint, {Voters: joint.Voters}}} {
			if wins(pair[0], a) && wins(pair[1], b) && a&b == 0 {
				t.Errorf("%v and %v: %b and %b are quorums, and do not meet", pair[0], pair[1], a, b)
			}
		}
	})
}

// wins reports whether those whose bits are set are a quorum.
func wins(c Config, set uint16) bool {
	return c.Votes(func(id wire.NodeID) Vote {
		if set>>id&1 == 1 {
			return Granted
		}
		return Refused
	}) == Won
}
