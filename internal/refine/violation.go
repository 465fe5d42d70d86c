// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"fmt"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

// Violation says which precondition of which action of the paper did not hold.
type Violation struct {
	Node wire.NodeID
	Rule Rule
	// Event is what the member was told in the step.
	Event string
	// Detail is what was seen.
	Detail string
}

// Error describes the violation.
func (v *Violation) Error() string {
	return fmt.Sprintf("node %d, at %s: %s: %s", v.Node, v.Event, v.Rule, v.Detail)
}

// Rule is a precondition: the action of the paper, and what must be true for it.
type Rule string

// The rules. doc.go explains the actions.
const (
	NeverSent Rule = "Receive: only what was sent is received"

	TermFalls   Rule = "UpdateTerm: the term never falls (§5.1)"
	TermUnheard Rule = "UpdateTerm: a higher term is that of a message (§5.1)"

	CandidateLeads   Rule = "Timeout: a leader does not time out (§5.2)"
	CandidateTerm    Rule = "Timeout: a candidate increments its term, by one, and votes for itself (§5.2)"
	CandidateNoVoter Rule = "Timeout: only who votes becomes a candidate (§6, thesis §4.2.2)"

	VoteTwice    Rule = "GrantVote: one vote a term (§5.2)"
	VoteUnasked  Rule = "GrantVote: the candidate has asked for it in this term (§5.2)"
	VoteOutdated Rule = "GrantVote: the candidate's log is at least as up to date (§5.4.1)"

	VoteForeign  Rule = "GrantVote: the voter has the disk with which it became one (docs/decisions/0003)"
	VoteIgnorant Rule = "GrantVote: who knows of no group votes for nobody but its first leader (docs/decisions/0003)"

	LeadsUnelected  Rule = "BecomeLeader: only a candidate becomes leader (§5.2)"
	LeadsNoQuorum   Rule = "BecomeLeader: a quorum has granted its votes (§5.2, §6)"
	LeadsSecond     Rule = "BecomeLeader: one leader a term (§5.2, figure 3)"
	LeadsIncomplete Rule = "BecomeLeader: its log holds all that was committed in earlier terms (§5.4.3, figure 3)"

	LeadsNotAll Rule = "BecomeLeader: the first leader of a group has all votes (docs/decisions/0003)"
	BindsNot    Rule = "ClientRequest: the first leader of a group records whose disks its voters have (docs/decisions/0003)"

	AppendsUnled      Rule = "ClientRequest: only a leader appends (§5.3)"
	AppendsTerm       Rule = "ClientRequest: entries are of the leader's term (§5.3)"
	AppendsOnly       Rule = "ClientRequest: a leader only appends (§5.3, figure 3)"
	AppendsMembership Rule = "ClientRequest: one change of membership at a time, whose quorums overlap (§6)"

	AppendsOther Rule = "ClientRequest: a membership follows from the one before (§6, thesis §4.3)"

	FormsOther Rule = "Form: all are formed with the same members"

	AcceptsForeign    Rule = "AppendEntries: entries are those of the leader's request (§5.3)"
	AcceptsMismatch   Rule = "AppendEntries: the log holds the entry before the first (§5.3)"
	AcceptsNoConflict Rule = "AppendEntries: only a conflict truncates (§5.3)"
	AcceptsCommitted  Rule = "AppendEntries: what is committed is never truncated (§5.4)"

	CommitFalls       Rule = "AdvanceCommit: the commit index never falls (figure 2)"
	CommitNoQuorum    Rule = "AdvanceCommit: a quorum has acknowledged, durably (§5.3, §6)"
	CommitOlderTerm   Rule = "AdvanceCommit: only entries of the leader's term are committed by counting (§5.4.2)"
	CommitUntold      Rule = "AdvanceCommit: a follower goes up to what the leader said and what matches (§5.3)"
	CommitContradicts Rule = "AdvanceCommit: all commit the same entries (§5.4.3, figure 3)"

	AppliesAgain       Rule = "Apply: the applied index never falls (figure 2)"
	AppliesUncommitted Rule = "Apply: only committed entries are applied (figure 2)"

	WritesOutOfOrder Rule = "Persist: writes are numbered one by one"
	SyncsUnissued    Rule = "Sync: only writes that were issued become durable"
	DurableUncovered Rule = "Sync: what is taken for durable survives a crash (figure 2)"

	RestartsOther Rule = "Restart: the state is what was durable (figure 2)"

	SnapshotUncommitted Rule = "InstallSnapshot: a snapshot covers only what is committed (§7)"
	SnapshotDiscards    Rule = "InstallSnapshot: entries behind the snapshot that match are retained (§7)"
	CompactsUncommitted Rule = "Compact: only what is committed is compacted (§7)"
	CompactsUncovered   Rule = "Compact: only what a durable snapshot covers is compacted (§7)"

	SaysTerm     Rule = "Send: the term is durable before it is spoken of (§5.1, figure 2)"
	SaysVote     Rule = "Send: a vote is durable before it is granted (figure 2)"
	SaysRequest  Rule = "Send: a candidate's term and vote are durable, and its log is what it says (figure 2)"
	SaysVoter    Rule = "Send: a vote names the voter's own disk (docs/decisions/0003)"
	SaysMeant    Rule = "Send: a candidate says whom its membership means (docs/decisions/0003)"
	SaysAck      Rule = "Send: entries are durable before they are acknowledged (figure 2)"
	SaysMismatch Rule = "Send: entries are acknowledged to their leader, whose they are (§5.3)"
	SaysLeader   Rule = "Send: only the leader of a term speaks as such (§5.2)"
	SaysEntries  Rule = "Send: entries are the leader's own, and so is the one before (§5.3)"
	SaysCommit   Rule = "Send: what is said to be committed is, and the receiver holds it (§5.3)"

	CountsVote  Rule = "Count: votes are counted that were granted in this term"
	CountsMatch Rule = "Count: entries match that were acknowledged in this term"
	StateOther  Rule = "State: it changes by actions only"
)

func (w *walk) violated(rule Rule, format string, args ...any) bool {
	if w.violation == nil {
		w.violation = &Violation{Node: w.n.id, Rule: rule, Event: w.step.event(), Detail: fmt.Sprintf(format, args...)}
	}
	return false
}

// event says what a member was told.
func (s *Step) event() string {
	var parts []string
	if s.Synced > 0 {
		parts = append(parts, fmt.Sprintf("LogSynced %d", s.Synced))
	}
	for i := range s.Received {
		parts = append(parts, describe(s.Received[i].Message)+fmt.Sprintf(" from %d", s.Received[i].From))
	}
	if len(parts) == 0 {
		return "no message"
	}
	return strings.Join(parts, ", ")
}

// describe renders a message in short: of entries, the range.
func describe(message wire.Message) string {
	m, isRequest := message.(*wire.AppendEntries)
	if !isRequest {
		return fmt.Sprintf("%v%+v", message.Kind(), message)
	}
	text := fmt.Sprintf("AppendEntries{Term:%d Epoch:%d Prev:%v Commit:%d", m.Term, m.Epoch, m.Prev, m.Commit)
	if n := len(m.Entries); n > 0 {
		text += fmt.Sprintf(" %v..%v", m.Entries[0].ID(), m.Entries[n-1].ID())
	}
	return text + "}"
}
