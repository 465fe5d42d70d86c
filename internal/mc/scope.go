// SPDX-License-Identifier: Apache-2.0

package mc

import "github.com/balsa-raft/raft/wire"

// Bounds are what makes a scope finite. Each number is how often something may happen
// in one behaviour, on all members together; zero is never. What no number limits may
// happen whenever it can: messages are delivered in any order or never, writes end.
type Bounds struct {
	// Nodes is the number of members, all voters, at most NodesMax. They begin with the
	// first entry, the membership of term 1, on their disks, unless Logs says otherwise.
	Nodes int `json:"nodes"`
	// Founders is how many of the nodes are members in the beginning, zero for all; the others
	// begin with nothing. Targets are the members that leaders may be asked for.
	Founders int      `json:"founders,omitempty"`
	Targets  []Target `json:"targets,omitempty"`
	// Begun, unless empty, is how many entries the members begin with of a log in which a
	// leader of term 2 has gone all the way to the first target: the first membership, a
	// blank entry, and the memberships that follow.
	Begun []int `json:"begun,omitempty"`
	// Led says that the first member leads in the beginning, in the next term, and that its
	// first entry is committed and applied everywhere. The way there costs nothing.
	Led bool `json:"led,omitempty"`
	// Logs are the terms of the entries that the members begin with. All of them begin
	// with term 1, and all members in the last of these terms.
	Logs [][]wire.Term `json:"logs,omitempty"`
	// Committed is how many entries of the first log are committed in the beginning; a
	// majority of the logs must have them.
	Committed int `json:"committed,omitempty"`
	// Snapshots are the last entries that the members' snapshots cover in the beginning,
	// Bases the last ones that their logs have no more. Both must be committed.
	Snapshots []wire.Index `json:"snapshots,omitempty"`
	Bases     []wire.Index `json:"bases,omitempty"`
	// Offered says that the first member leads in the beginning's term, or did, and has offered
	// its snapshot to the last one.
	Offered bool `json:"offered,omitempty"`
	// TermMax is the last term.
	TermMax wire.Term `json:"term_max"`
	// Timeouts is how often members lose patience and campaign.
	Timeouts int `json:"timeouts"`
	// StepDowns is how often leaders miss their quorum.
	StepDowns int `json:"step_downs"`
	// Heartbeats is how often leaders assert themselves to all peers.
	Heartbeats int `json:"heartbeats"`
	// Proposals is the number of commands, each unlike the others.
	Proposals int `json:"proposals"`
	// Duplicates is how often a message is delivered, and stays under way.
	Duplicates int `json:"duplicates"`
	// Drops is how often a message is taken off the network. It adds nothing, for any
	// number of messages may be lost without: what is never delivered is lost.
	Drops int `json:"drops"`
	// Unreachables is how often a leader is told that messages to a peer were lost.
	Unreachables int `json:"unreachables"`
	// Crashes is how often a member loses all that is not on its disk, and restarts.
	Crashes int `json:"crashes"`
	// Takes is how often members take a snapshot, of any state that they have been in since
	// the last, and Compactions how often they forget entries.
	Takes       int `json:"takes,omitempty"`
	Compactions int `json:"compactions,omitempty"`
	// StateLosses is how often a snapshot turns out to be damaged: when it is restored, or at
	// a restart.
	StateLosses int `json:"state_losses,omitempty"`
	// Wants is how often members ask for a snapshot whose state is lost.
	Wants int `json:"wants,omitempty"`
	// LateOffers lets offers of snapshots be made later than they are asked for, maybe when
	// the leadership is over.
	LateOffers bool `json:"late_offers,omitempty"`
	// Rash says that who campaigns is granted all pre-votes at once. That is more than may
	// happen: no safety rests on pre-votes.
	Rash bool `json:"rash,omitempty"`
	// Quiet says that leaders tell of a commit only along with something else.
	Quiet bool `json:"quiet,omitempty"`
	// Changes is how often a leader is asked for other members, and goes along with it.
	Changes int `json:"changes,omitempty"`
	// Wipes is how often Wiped loses its disk, and restarts with an empty one.
	Wipes int         `json:"wipes,omitempty"`
	Wiped wire.NodeID `json:"wiped,omitempty"`
	// EntriesPerMessage is how many entries an AppendEntries carries at most.
	EntriesPerMessage int `json:"entries_per_message"`
	// InstantDisk makes every write end before anything else happens.
	InstantDisk bool `json:"instant_disk"`
}

// NodesMax bounds the number of members: there is a hash for each order of them.
const NodesMax = 5

// Part is a set of behaviours small enough to try all of them.
type Part struct {
	Name   string
	Bounds Bounds
}

// Scope is a number of parts, each of which allows more of something and less of
// something else.
type Scope struct {
	Name  string
	About string
	Parts []Part
}

// Scopes returns the scopes that have names.
func Scopes() []Scope { return []Scope{mc1(), mc2(), mc4(), mc5(), mc8()} }

// of fills in what most parts have in common.
func of(b Bounds) Bounds {
	b.EntriesPerMessage = 2
	if b.Nodes == 0 {
		b.Nodes = 3
	}
	if b.TermMax == 0 {
		b.TermMax = wire.Term(b.Timeouts + 1)
	}
	return b
}

func mc1() Scope {
	return Scope{
		Name:  "mc1",
		About: "election and replication: disks are instant, nobody crashes",
		Parts: []Part{
			{"two elections and a command", of(Bounds{Timeouts: 2, Proposals: 1, InstantDisk: true})},
			{"two elections, one of which ends by itself, and a duplicate", of(Bounds{Timeouts: 2, StepDowns: 1, Duplicates: 1, InstantDisk: true})},
			{"an election, two commands and a duplicate", of(Bounds{Timeouts: 1, Proposals: 2, Duplicates: 1, InstantDisk: true})},
			{"an election, a command, a heartbeat and a duplicate", of(Bounds{Timeouts: 1, Proposals: 1, Heartbeats: 1, Duplicates: 1, InstantDisk: true})},
			{"an election, a command, and two lost links", of(Bounds{Timeouts: 1, Proposals: 1, Unreachables: 2, InstantDisk: true})},
			{"logs that contradict each other", of(Bounds{Logs: contradicting, TermMax: 5, Timeouts: 2, InstantDisk: true})},
			{"logs that contradict each other, and two heartbeats", of(Bounds{Logs: contradicting, TermMax: 4, Timeouts: 1, Heartbeats: 2, InstantDisk: true})},
		},
	}
}

func mc2() Scope {
	return Scope{
		Name:  "mc2",
		About: "crashes that lose what was not synced: writes take their time",
		Parts: []Part{
			{"two elections and a crash", of(Bounds{Timeouts: 2, Crashes: 1})},
			{"two elections and two crashes, instant disks", of(Bounds{Timeouts: 2, Crashes: 2, InstantDisk: true})},
			{"an election, a command and two crashes", of(Bounds{Timeouts: 1, Proposals: 1, Crashes: 2})},
			{"an election, a heartbeat and a crash", of(Bounds{Timeouts: 1, Heartbeats: 1, Crashes: 1})},
			{"logs that contradict each other, and a crash", of(Bounds{Logs: contradicting, TermMax: 4, Timeouts: 1, Crashes: 1})},
		},
	}
}

// contradicting are the logs after two leaders who reached nobody: so figure 8 begins.
var contradicting = [][]wire.Term{{1, 2}, {1, 3}, {1}}
