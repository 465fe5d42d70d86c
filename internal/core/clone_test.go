// SPDX-License-Identifier: Apache-2.0

package core

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"

	"github.com/balsa-raft/raft/internal/logindex"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// ignored are the fields that AppendState leaves out, and why. A field that is neither
// encoded nor here fails TestEveryFieldIsEncodedOrIgnored.
var ignored = map[string]string{
	"Core.cfg.ElectionTimeout":   "the configuration is the same in all that are compared",
	"Core.cfg.HeartbeatInterval": "the configuration",
	"Core.cfg.WriteStallTimeout": "the configuration",
	"Core.cfg.Seed":              "only New reads it",
	"Core.now":                   "time",
	"Core.random.state":          "it draws times only",
	"Core.electionAt":            "time",
	"Core.campaigns":             "it says how long to wait only",
	"Core.follower.contact":      "time; whether it is long ago is encoded",
	"Core.leader.heartbeatAt":    "time",
	"Core.leader.newsAt":         "time; whether it is Never is encoded",
	"Core.leader.quorumAt":       "time",
	"Core.leader.preferAt":       "time",
	"Core.leader.transferUntil":  "time; it is Never unless transferTo is set",
	"Core.cfg.Incarnation":       "the configuration",
	"Core.knownMembership":       "between two events it is the latest that is committed",

	"Core.leader.peers[].Progress.Contact": "time",
	"Core.leader.peers[].meant":            "the membership says it",
	"Core.leader.peers[].askAgainAt":       "time",
	"Core.leader.peers[].catchUp.since":    "time",
	"Core.leader.peers[].leaveAt":          "time; whether it is Never is encoded",
	"Core.lane.issued":                     "it is synced and the number of pending writes",
	"Core.lane.pending[].at":               "time",
	"Core.told.Role":                       "between two events it is what the fields say",
	"Core.told.Term":                       "as above",
	"Core.told.Leader":                     "as above, or zero if the leader is silent, which is time",
	"Core.cfg.ApplyDurable":                "the configuration",
	"Core.snapshot.Term":                   "the entry was committed, so that its index tells its term",
	"Core.wantAt":                          "time",
	"Core.previous.hard.Term":              "between two events it is what the fields say",
	"Core.previous.hard.Vote":              "as above",
	"Core.previous.commit":                 "as above",
	"Core.previous.applied":                "as above",
	"Core.previous.synced":                 "as above",
	"Core.previous.last":                   "as above",
	"Core.previous.leads":                  "as above",
	"Core.effects":                         "those of the last Handle",
	"Core.lane.synced":                     "the names of writes are counted from it",
}

// fullCore is a member in which no field is empty, though no member is ever like that.
func fullCore() *Core {
	voters := []wire.NodeID{1, 2, 3}
	membership := wire.Membership{
		Voters: voters, Outgoing: []wire.NodeID{2, 3}, Learners: []wire.NodeID{4}, TargetVoters: []wire.NodeID{1}, TargetLearners: []wire.NodeID{4},
		Members: []wire.Member{{ID: 1, Address: "a", Priority: 2, Incarnation: 5}, {ID: 2, Address: "b"}, {ID: 3, Address: "c"}, {ID: 4, Address: "d"}},
	}
	p := progress.New(2, 7, 3)
	p.ReportSent(1, 5)
	p.HeartbeatSent(2)
	return &Core{
		cfg: Config{ID: 1, ElectionTimeout: 100, HeartbeatInterval: 20, WriteStallTimeout: 1000, Seed: 5, Incarnation: 5, ApplyDurable: true},
		now: 1000, random: random{state: 9}, hard: wire.HardState{Term: 4, Vote: 1},
		log: logindex.New(wire.LogState{
			Compacted: wire.LogID{Term: 1, Index: 2}, Last: 8, Terms: []wire.TermStart{{Term: 2, First: 3}, {Term: 4, First: 6}},
		}),
		memberships: []membershipAt{{index: 3, membership: membership}},
		commit:      6, applied: 5,
		lane: lane{
			issued: 10, synced: 8, pending: []pendingWrite{{last: 7, at: 900}, {last: 8, at: 950}}, durable: 6, hardDirty: true, hardSeq: 10,
			held: []heldEffect{
				{after: 9, effect: Send{To: 2, Message: &wire.VoteReply{Term: 4}}}, {after: 10, effect: AnswerInitialize{Conflict: true}},
			},
		},
		role: Leader, electionAt: 1100, campaigns: 2, drained: true, removedAt: 3, knownMembership: 3,
		follower: followerState{leader: 2, contact: 990, accepted: 5, epoch: 3, acknowledged: 4, offered: 8, round: 6},
		election: &electionState{voters: voters[:2:2], votes: []quorum.Vote{quorum.Granted, quorum.Refused}, incarnations: []wire.Incarnation{5, 6}, transfer: true},
		leader: &leaderState{
			peers: []*peerState{{
				Progress: p, dirty: true, news: true, told: 4, incarnation: 7, meant: 7, catchUp: catchUp{goal: 8, since: 990, done: true}, leaveAt: 1500, declined: 1, askAgainAt: 1300,
			}},
			appended: true, newsAt: 1001, isRetiring: true, isAsked: true, leftEpoch: 2, preferAt: 1400,
			round: 7, heartbeatAt: 1020, quorumAt: 1100, transferTo: 2, transferUntil: 1100, invited: true,
		},
		told: RoleChanged{Role: Leader, Term: 4, Leader: 1}, toldApply: 6, snapshot: wire.LogID{Term: 2, Index: 4}, stateLost: true, wantAt: 1002,
		effects: []Effect{StopReplication{}}, starting: []Effect{StopReplication{}}, previous: snapshotOfState{leads: true},
	}
}

// visitFields calls visit with the path and value of everything that a value is made of,
// numbers and strings in the end. The value must be addressable.
func visitFields(path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	if v.CanAddr() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Kind() {
	case reflect.Pointer:
		visitFields(path, v.Elem(), visit)
	case reflect.Struct:
		for i := range v.NumField() {
			visitFields(path+"."+v.Type().Field(i).Name, v.Field(i), visit)
		}
	case reflect.Slice:
		if v.Type().Elem() == reflect.TypeFor[Effect]() {
			visit(path, v)
			return
		}
		for i := range v.Len() {
			visitFields(path+"[]", v.Index(i), visit)
		}
	default:
		visit(path, v)
	}
}

// change makes a value another one of its type, and returns how to undo that.
func alter(v reflect.Value) (undo func()) {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(v.Uint() ^ 1)
	default: // An effect, or a list of them.
		v.SetZero()
	}
	return func() { v.Set(old) }
}

func sameNames(id wire.NodeID) wire.NodeID { return id }

// TestEveryFieldIsEncodedOrIgnored changes one field after the other: a new one has to
// be encoded, or to be listed with a reason.
func TestEveryFieldIsEncodedOrIgnored(t *testing.T) {
	c := fullCore()
	before := c.AppendState(nil, sameNames)
	seen, encodes := map[string]bool{}, map[string]bool{}
	visitFields("Core", reflect.ValueOf(c), func(path string, v reflect.Value) {
		seen[path] = true
		if v.IsZero() && v.Kind() != reflect.Uint64 && v.Kind() != reflect.Int64 && v.Kind() != reflect.Uint8 {
			if ignored[path] == "" {
				t.Errorf("%s is empty: fill it in fullCore", path)
			}
			return
		}
		if path == "Core.lane.held[].effect" {
			encodes[path] = true // An interface; TestHeldEffectsAreEncoded changes it.
			return
		}
		undo := alter(v)
		defer undo()
		if !bytes.Equal(before, c.AppendState(nil, sameNames)) {
			encodes[path] = true
		}
	})
	for path := range seen {
		if encodes[path] == (ignored[path] != "") && !isEncodedInPart(path) {
			t.Errorf("%s: encoded %v, ignored because %q", path, encodes[path], ignored[path])
		}
	}
	for path := range ignored {
		if !seen[path] {
			t.Errorf("there is no %s to be ignored", path)
		}
	}
}

// isEncodedInPart tells of those that are ignored as such and show by a distance.
func isEncodedInPart(path string) bool {
	return path == "Core.lane.synced" || path == "Core.lane.issued"
}

func TestHeldEffectsAreEncoded(t *testing.T) {
	base := fullCore().AppendState(nil, sameNames)
	for name, effect := range map[string]Effect{
		"to another":        Send{To: 3, Message: &wire.VoteReply{Term: 4}},
		"another message":   Send{To: 2, Message: &wire.VoteReply{Term: 4, Granted: true}},
		"another of a kind": AnswerInitialize{},
		"to be fetched":     FetchSnapshot{From: 2, Snapshot: metaOf(1, id(1, 1))},
	} {
		c := fullCore()
		c.lane.held[0].effect = effect
		if bytes.Equal(base, c.AppendState(nil, sameNames)) {
			t.Errorf("%s: encoded alike", name)
		}
	}
	fetch := func(from wire.NodeID, snapshotID wire.SnapshotID) string {
		c := fullCore()
		c.lane.held[0].effect = FetchSnapshot{From: from, Snapshot: metaOf(snapshotID, id(1, 1))}
		return string(c.AppendState(nil, sameNames))
	}
	if one := fetch(2, 1); one == fetch(3, 1) || one == fetch(2, 2) {
		t.Error("snapshots to be fetched are encoded alike")
	}
}

// TestCloneSharesNothing changes every field of a clone and looks at the original.
func TestCloneSharesNothing(t *testing.T) {
	c, want := fullCore(), fullCore()
	clone := c.Clone()
	if clone.effects != nil {
		t.Error("the clone has the effects")
	}
	clone.effects = c.effects
	if !reflect.DeepEqual(clone, c) {
		t.Errorf("the clone is\n%+v, not\n%+v", clone, c)
	}
	clone.effects = nil
	visitFields("Core", reflect.ValueOf(clone), func(path string, v reflect.Value) {
		if !isNeverChanged(path) {
			alter(v)
		}
		if !reflect.DeepEqual(c, want) {
			t.Fatalf("a change of the clone's %s changes the original", path)
		}
	})
	clone.memberships = append(clone.memberships[:0], membershipAt{})
	clone.lane.held = append(clone.lane.held[:0], heldEffect{})
	if !reflect.DeepEqual(c, want) {
		t.Error("appending to the clone's lists changes the original")
	}
}

// isNeverChanged tells of what cores may share: memberships, once made.
func isNeverChanged(path string) bool {
	const membership = "Core.memberships[].membership."
	return len(path) > len(membership) && path[:len(membership)] == membership
}
