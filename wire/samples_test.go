// SPDX-License-Identifier: Apache-2.0

package wire

// message is a message with a name that says what is special about it.
type message struct {
	name string
	Envelope
}

// Values that differ in every byte, so that fields in the wrong order show.
const (
	termA  Term  = 0x0102030405060708
	indexA Index = 0x1112131415161718
	indexB Index = 0x2122232425262728
	epochA Epoch = 0x3132333435363738
	roundA Round = 0x4142434445464748

	incarnationA Incarnation = 0xa1a2a3a4a5a6a7a8
)

var logIDA = LogID{Term: 0x5152535455565758, Index: 0x6162636465666768}

// messages returns messages of all kinds, the zero one of each included.
func messages() []message {
	all := []message{
		{"AppendEntries", in(&AppendEntries{Term: termA, Epoch: epochA, Prev: logIDA, Commit: indexA, Entries: entries()})},
		{"AppendReply", in(&AppendReply{Term: termA, Epoch: epochA, Match: indexA, Rejected: false, Conflict: LogID{}})},
		{"AppendReply, rejected", in(&AppendReply{Term: termA, Epoch: epochA, Match: indexA, Rejected: true, Conflict: logIDA, Incarnation: incarnationA})},
		{"Heartbeat", in(&Heartbeat{Term: termA, Round: roundA, Commit: indexA})},
		{"HeartbeatReply", in(&HeartbeatReply{Term: termA, Round: roundA, Epoch: epochA, Match: indexA, Accepted: indexB, Incarnation: incarnationA})},
		{"RequestPreVote", in(&RequestPreVote{Term: termA, Round: roundA, Last: logIDA, Incarnation: incarnationA})},
		{"PreVoteReply", in(&PreVoteReply{Term: termA, Round: roundA, Granted: true, RemovedAt: indexA})},
		{"RequestVote", in(&RequestVote{Term: termA, Last: logIDA, Transfer: true, Incarnation: incarnationA})},
		{"VoteReply", in(&VoteReply{Term: termA, Granted: true, Incarnation: incarnationA})},
		{"TimeoutNow", in(&TimeoutNow{Term: termA})},
		{"ForwardProposals", in(&ForwardProposals{
			Term: termA, Session: 0x7172737475767778, ID: 0x8182838485868788,
			Commands: [][]byte{[]byte("first"), {}, []byte("third")},
		})},
		{"ForwardReply", in(&ForwardReply{
			Session: 0x7172737475767778, ID: 0x8182838485868788, First: 0x91929394,
			Results: []ForwardResult{
				{Outcome: OutcomeApplied, LogID: logIDA, Value: []byte("value")},
				{Outcome: OutcomeNotApplied, Value: []byte{}},
				{Outcome: OutcomeUnknown, LogID: logIDA, Value: []byte{}},
				{Outcome: OutcomeTooBusy, Value: []byte{0}},
			},
		})},
		{"SnapshotOffer", in(&SnapshotOffer{Term: termA, Epoch: epochA, Snapshot: snapshot()})},
		{"SnapshotWanted", in(&SnapshotWanted{Term: termA, AtLeast: indexA})},
		{"SnapshotFetch", in(&SnapshotFetch{ID: 0xc1c2c3c4c5c6c7c8, Offset: 0xd1d2d3d4d5d6d7d8, Length: 0xe1e2e3e4})},
		{"SnapshotChunk", in(&SnapshotChunk{
			ID: 0xc1c2c3c4c5c6c7c8, Offset: 0xd1d2d3d4d5d6d7d8, Status: ChunkData, Checksum: 0xf1f2f3f4, Data: []byte("chunk"),
		})},
		{"SnapshotChunk, end", in(&SnapshotChunk{
			ID: 0xc1c2c3c4c5c6c7c8, Offset: 0xd1d2d3d4d5d6d7d8, Status: ChunkEnd, Checksum: 0xf1f2f3f4, Data: []byte{},
		})},
	}
	for kind := MessageKind(1); newMessage(kind) != nil; kind++ {
		if kind == KindSnapshotOffer || kind == KindSnapshotChunk {
			continue // A zero one is malformed.
		}
		all = append(all, message{kind.String() + ", zero", Envelope{Message: newMessage(kind)}})
	}
	return all
}

// in puts a message into an envelope.
func in(m Message) Envelope { return Envelope{Group: 0xa1a2a3a4a5a6a7a8, Message: m} }

// snapshot returns a description in which everything occurs.
func snapshot() SnapshotMeta {
	return SnapshotMeta{
		ID: 0xc1c2c3c4c5c6c7c8, Last: logIDA, Membership: *joint(), MembershipAt: logIDA.Index - 7,
		Command: LogID{Term: logIDA.Term - 1, Index: logIDA.Index - 1}, Version: 0xd5d6d7d8, External: true,
		Size: 0x0102030405060708, Checksum: 0xe1e2e3e4,
	}
}

// entries returns one entry of each kind.
func entries() []Entry {
	return []Entry{
		{Index: indexA, Term: termA, Kind: EntryBlank, Data: []byte{}},
		{Index: indexA + 1, Term: termA + 1, Kind: EntryCommand, Data: []byte("command")},
		{Index: indexA + 2, Term: termA + 1, Kind: EntryMembership, Data: AppendMembership(nil, joint())},
	}
}

// joint returns a membership in which everything occurs.
func joint() *Membership {
	return &Membership{
		Voters:         []NodeID{1, 3, 0xb1b2b3b4b5b6b7b8},
		Outgoing:       []NodeID{1, 2},
		Learners:       []NodeID{4},
		TargetLearners: []NodeID{2, 4},
		Members: []Member{
			{ID: 1, Address: "one.example:7", Priority: 0xc9}, {ID: 2, Address: ""}, {ID: 3, Address: "[::1]:7"}, {ID: 4, Address: "four"}, {ID: 0xb1b2b3b4b5b6b7b8, Address: "last"},
		},
	}
}

// memberships returns named valid memberships.
func memberships() map[string]Membership {
	catchingUp := NewMembership(Member{ID: 1, Address: "a"}, Member{ID: 2, Address: "b", Priority: 2}, Member{ID: 3, Address: "c"})
	catchingUp.Voters, catchingUp.Learners = []NodeID{1}, []NodeID{2, 3}
	catchingUp.TargetVoters, catchingUp.TargetLearners = []NodeID{2, 3}, []NodeID{1}
	return map[string]Membership{
		"catching up": catchingUp,
		"joint":       *joint(),
		"one":         NewMembership(Member{ID: 7, Address: "seven"}),
		"sorted":      NewMembership(Member{ID: 3, Address: "c"}, Member{ID: 1, Address: "a"}, Member{ID: 2, Address: "b"}),
	}
}
