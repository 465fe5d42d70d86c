// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// rig is one core, with ID 1, whose peers are played by the test. Time passes and
// writes end only when the test says so.
type rig struct {
	t      *testing.T
	core   *Core
	now    Instant
	issued Seq
	// disk is what has been synced, so that the test can crash the member.
	disk         disk
	applyDurable bool
}

// newRig starts a member on a disk.
func newRig(t *testing.T, d disk) *rig {
	t.Helper()
	r := &rig{t: t, now: testElection, disk: d}
	r.restart()
	return r
}

// threeVoters is a member of three, whose log is of the terms given.
func threeVoters(t *testing.T, terms ...wire.Term) *rig {
	t.Helper()
	return newRig(t, diskOf(voters(3), 0, terms...))
}

// restart crashes the member, which loses what was not synced, and starts it again.
func (r *rig) restart() {
	r.t.Helper()
	r.disk.queue, r.issued = nil, 0
	c, err := Recover(r.config(), r.disk.state(), r.disk.recovery(), r.now)
	if err != nil {
		r.t.Fatal(err)
	}
	r.core = c
}

func (r *rig) config() Config {
	return Config{
		ID: 1, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall, Seed: 1, ApplyDurable: r.applyDurable, Incarnation: r.disk.incarnation,
	}
}

// take makes a snapshot of the log up to an entry durable, and says so.
func (r *rig) take(last wire.Index, snapshotID wire.SnapshotID) []string {
	r.t.Helper()
	s := snapshotOf(r.disk.log, last, snapshotID)
	r.disk.keep(s)
	return r.do(SnapshotTaken{Last: s.meta.Last})
}

// fetch makes a snapshot durable that has been fetched, and says so.
func (r *rig) fetch(s snapshot) []string {
	r.t.Helper()
	r.disk.keep(s)
	return r.do(SnapshotReceived{Snapshot: s.meta})
}

// offer sends an offer of a snapshot, as the leader of a term.
func (r *rig) offer(from wire.NodeID, term wire.Term, epoch wire.Epoch, s snapshot) []string {
	r.t.Helper()
	return r.receive(from, &wire.SnapshotOffer{Term: term, Epoch: epoch, Snapshot: s.meta})
}

// metaOf describes a snapshot of a group of three.
func metaOf(snapshotID wire.SnapshotID, last wire.LogID) wire.SnapshotMeta {
	return wire.SnapshotMeta{ID: snapshotID, Last: last, MembershipAt: 1, Membership: voters(3)}
}

// do hands events to the core and returns the effects, rendered.
func (r *rig) do(events ...Event) []string {
	r.t.Helper()
	var lines []string
	for _, effect := range r.core.Handle(r.now, events) {
		lines = append(lines, formatEffect(effect))
		if write, ok := effect.(WriteLog); ok {
			r.disk.queue = append(r.disk.queue, write)
			r.issued = write.Seq
		}
	}
	return lines
}

func (r *rig) receive(from wire.NodeID, m wire.Message) []string {
	r.t.Helper()
	return r.do(MessageArrived{From: from, Message: m})
}

// sync ends all writes under way.
func (r *rig) sync() []string {
	r.t.Helper()
	return r.syncTo(r.issued)
}

// syncTo ends the writes up to one.
func (r *rig) syncTo(seq Seq) []string {
	r.t.Helper()
	for len(r.disk.queue) > 0 && r.disk.queue[0].Seq <= seq {
		r.disk.write(r.disk.queue[0])
		r.disk.queue = r.disk.queue[1:]
	}
	return r.do(LogSynced{Seq: seq})
}

// propose asks for a number of commands.
func (r *rig) propose(count int) []string {
	r.t.Helper()
	entries := make([]wire.Entry, count)
	for i := range entries {
		entries[i] = wire.Entry{Kind: wire.EntryCommand}
	}
	return r.do(ProposalsArrived{Entries: entries})
}

// wait lets time pass without telling the core.
func (r *rig) wait(d Instant) { r.now += d }

// expire lets time pass until the deadline.
func (r *rig) expire() []string {
	r.t.Helper()
	if r.core.Deadline() == Never {
		r.t.Fatal("the member waits for nothing")
	}
	r.now = max(r.now, r.core.Deadline())
	return r.do(DeadlineReached{})
}

// wantNoCampaign lets a member that must not campaign find that its leader is silent, if it
// knows of one. Then it waits for nothing.
func (r *rig) wantNoCampaign() {
	r.t.Helper()
	if r.core.Deadline() != Never {
		r.want(r.expire(), fmt.Sprintf("RoleChanged follower term=%d leader=0", r.core.Term()))
	}
	if r.core.Deadline() != Never {
		r.t.Fatal("it waits to campaign")
	}
}

// heartbeat lets an interval pass, at whose end the leader sends its heartbeats.
func (r *rig) heartbeat() []string {
	r.t.Helper()
	r.now = max(r.now, r.core.leader.heartbeatAt)
	return r.do(DeadlineReached{})
}

// campaign makes the member a candidate, with the pre-votes of 2 and 3, whose term is
// durable.
func (r *rig) campaign() {
	r.t.Helper()
	r.expire()
	for _, from := range []wire.NodeID{2, 3} {
		r.receive(from, &wire.PreVoteReply{Term: r.core.Term(), Round: r.core.follower.round, Granted: true})
	}
	r.sync()
	if r.core.role != Candidate && len(r.core.membership().Voters) > 1 {
		r.t.Fatalf("the member is a %v, not a candidate", r.core.role)
	}
}

// lead makes the member the leader, with the votes of 2 and 3; its blank entry is not
// durable yet.
func (r *rig) lead() []string {
	r.t.Helper()
	r.campaign()
	var lines []string
	for _, from := range []wire.NodeID{2, 3} {
		lines = append(lines, r.receive(from, &wire.VoteReply{Term: r.core.Term(), Granted: true})...)
	}
	if r.core.role != Leader {
		r.t.Fatalf("the member is a %v, not the leader", r.core.role)
	}
	return lines
}

// leadThree returns the leader of three, which has sent its blank entry, made it
// durable, and knows that the others hold everything.
func leadThree(t *testing.T, terms ...wire.Term) *rig {
	t.Helper()
	r := threeVoters(t, terms...)
	r.lead()
	r.sync()
	r.ack(2, 1, r.core.log.Last())
	r.ack(3, 1, r.core.log.Last())
	if r.core.commit != r.core.log.Last() {
		t.Fatalf("commit is %d of %d", r.core.commit, r.core.log.Last())
	}
	return r
}

// ack acknowledges as a peer does.
func (r *rig) ack(from wire.NodeID, epoch wire.Epoch, match wire.Index) []string {
	r.t.Helper()
	return r.receive(from, &wire.AppendReply{Term: r.core.Term(), Epoch: epoch, Match: match})
}

// append sends entries of the terms given, behind prev, as the leader of a term.
func (r *rig) append(from wire.NodeID, term wire.Term, commit wire.Index, prev wire.LogID, terms ...wire.Term) []string {
	r.t.Helper()
	return r.receive(from, appendOf(term, commit, prev, terms...))
}

func appendOf(term wire.Term, commit wire.Index, prev wire.LogID, terms ...wire.Term) *wire.AppendEntries {
	m := &wire.AppendEntries{Term: term, Epoch: 1, Prev: prev, Commit: commit}
	for i, t := range terms {
		m.Entries = append(m.Entries, wire.Entry{Index: prev.Index + 1 + wire.Index(i), Term: t, Kind: wire.EntryCommand})
	}
	return m
}

// want compares all effects of a step.
func (r *rig) want(got []string, want ...string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Fatalf("the effects are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantIn says that one of the effects contains a text, once.
func (r *rig) wantIn(got []string, part string) {
	r.t.Helper()
	count := 0
	for _, line := range got {
		if strings.Contains(line, part) {
			count++
		}
	}
	if count != 1 {
		r.t.Fatalf("the effects are\n\t%s\nwant one with %q, found %d", strings.Join(got, "\n\t"), part, count)
	}
}

// wantNone says that no effect contains a text.
func (r *rig) wantNone(got []string, part string) {
	r.t.Helper()
	for _, line := range got {
		if strings.Contains(line, part) {
			r.t.Fatalf("the effects are\n\t%s\nwant none with %q", strings.Join(got, "\n\t"), part)
		}
	}
}

// wantState compares what the member knows.
func (r *rig) wantState(want Status) {
	r.t.Helper()
	if got := r.core.Brief(); got != want {
		r.t.Fatalf("the member knows\n\t%+v, want\n\t%+v", got, want)
	}
}

// frozen is everything in a core that a message may change, but for the effects and
// what only serves to detect changes.
func frozen(c *Core) string {
	return strings.Join([]string{
		formatValue(c.hard), formatValue(c.log.LastID()), formatValue(c.log.Runs()), formatValue(c.memberships),
		formatValue(c.log.Compacted()), formatValue(c.snapshot), formatValue(c.stateLost), formatValue(c.wantAt), formatValue(c.toldApply),
		formatValue(c.commit), formatValue(c.applied), formatValue(c.lane), formatValue(c.role), formatValue(c.electionAt),
		formatValue(c.follower), formatElection(c.election), formatLeader(c.leader), formatValue(c.random),
	}, "\n")
}
