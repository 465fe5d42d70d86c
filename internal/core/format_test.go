// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

// formatEvent renders an event in a line, for traces and transcripts.
func formatEvent(event Event) string {
	switch e := event.(type) {
	case ProposalsArrived:
		return fmt.Sprintf("ProposalsArrived %d", len(e.Entries))
	case MessageArrived:
		return fmt.Sprintf("from %d: %s", e.From, formatMessage(e.Message))
	case LogSynced:
		return fmt.Sprintf("LogSynced #%d", e.Seq)
	case EntriesSent:
		return fmt.Sprintf("EntriesSent to=%d epoch=%d last=%d", e.Peer, e.Epoch, e.Last)
	case SnapshotTaken:
		return fmt.Sprintf("SnapshotTaken %v", e.Last)
	case SnapshotReceived:
		return "SnapshotReceived " + formatSnapshot(&e.Snapshot)
	case ChangeRequested:
		return fmt.Sprintf("ChangeRequested %s if-at=%d force=%v", formatMembership(&e.Target), e.IfAt, e.Force)
	case CompactRequested:
		return fmt.Sprintf("CompactRequested through=%d limit=%d", e.Through, e.Limit)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T%+v", event, event), "core.")
}

// formatEffect renders an effect in a line.
func formatEffect(effect Effect) string {
	switch e := effect.(type) {
	case WriteLog:
		text := fmt.Sprintf("WriteLog #%d", e.Seq)
		if !e.HardState.IsZero() {
			text += fmt.Sprintf(" term=%d vote=%d", e.HardState.Term, e.HardState.Vote)
		}
		if e.Reset.Index > 0 {
			text += fmt.Sprintf(" reset=%v", e.Reset)
		}
		text += formatEntries(e.Entries)
		if e.Compact > 0 {
			text += fmt.Sprintf(" compact=%d", e.Compact)
		}
		return text
	case OfferSnapshot:
		return fmt.Sprintf("OfferSnapshot to %d: term=%d epoch=%d at least %d", e.To, e.Term, e.Epoch, e.AtLeast)
	case FetchSnapshot:
		return fmt.Sprintf("FetchSnapshot from %d: %s", e.From, formatSnapshot(&e.Snapshot))
	case RestoreSnapshot:
		return "RestoreSnapshot " + formatSnapshot(&e.Snapshot)
	case Send:
		return fmt.Sprintf("Send to %d: %s", e.To, formatMessage(e.Message))
	case Replicate:
		mode := "stream"
		if e.Probe {
			mode = "probe"
		}
		if e.News {
			mode = "news"
		}
		return fmt.Sprintf("Replicate to %d: %s term=%d epoch=%d prev=%v last=%d commit=%d match=%d",
			e.To, mode, e.Term, e.Epoch, e.Prev, e.Last, e.Commit, e.Match)
	case RoleChanged:
		return fmt.Sprintf("RoleChanged %v term=%d leader=%d", e.Role, e.Term, e.Leader)
	case UseMembership:
		return "UseMembership " + formatMembership(&e.Membership)
	case AnswerChange:
		refusals := [...]string{"accepted", "malformed", "not leading", "outdated", "under way", "too early", "risks the quorum"}
		return fmt.Sprintf("AnswerChange{Refusal:%d At:%d} %s", e.Refusal, e.At, refusals[e.Refusal])
	case Notice:
		kinds := [...]string{"MessageDropped", "QuorumLost", "WriteStalled", "PeerLostLog", "PeerNeedsSnapshot", "PinReleased", "SnapshotRefused", "PeerLostDisk", "Removed"}
		return strings.TrimSpace(fmt.Sprintf("Notice %s peer=%d %s", kinds[e.Kind], e.Peer, e.Detail))
	}
	return strings.TrimPrefix(fmt.Sprintf("%T%+v", effect, effect), "core.")
}

// formatMembership renders who votes and learns, with the target of a change if there is one.
func formatMembership(m *wire.Membership) string {
	text := fmt.Sprintf("voters=%d outgoing=%d learners=%d", m.Voters, m.Outgoing, m.Learners)
	if len(m.TargetVoters) > 0 {
		text += fmt.Sprintf(" target voters=%d", m.TargetVoters)
	}
	if len(m.TargetLearners) > 0 {
		text += fmt.Sprintf(" target learners=%d", m.TargetLearners)
	}
	return text
}

func formatMessage(message wire.Message) string {
	text := message.Kind().String()
	if m, ok := message.(*wire.AppendEntries); ok {
		return fmt.Sprintf("%s term=%d epoch=%d prev=%v commit=%d%s", text, m.Term, m.Epoch, m.Prev, m.Commit, formatEntries(m.Entries))
	}
	if m, ok := message.(*wire.SnapshotOffer); ok {
		return fmt.Sprintf("%s term=%d epoch=%d %s", text, m.Term, m.Epoch, formatSnapshot(&m.Snapshot))
	}
	fields := strings.Trim(strings.TrimPrefix(fmt.Sprintf("%+v", message), "&"), "{}")
	for _, usual := range []string{" Incarnation:0", " Incarnation:1", " RemovedAt:0"} {
		fields = strings.TrimSuffix(fields, usual)
	}
	return text + " " + strings.ToLower(strings.ReplaceAll(fields, ":", "="))
}

// formatSnapshot renders a snapshot: its last entry, and who votes since when.
func formatSnapshot(s *wire.SnapshotMeta) string {
	text := fmt.Sprintf("snapshot #%d last=%v voters=%d", uint64(s.ID), s.Last, s.Membership.Voters)
	if len(s.Membership.Outgoing) > 0 {
		text += fmt.Sprintf(" outgoing=%d", s.Membership.Outgoing)
	}
	return text + fmt.Sprintf(" since %d", s.MembershipAt)
}

// formatEntries renders entries as index, term and kind.
func formatEntries(entries []wire.Entry) string {
	text := ""
	for _, e := range entries {
		text += fmt.Sprintf(" %v/%v", e.ID(), e.Kind)
	}
	return text
}

func formatValue(v any) string { return fmt.Sprintf("%+v", v) }

func formatElection(e *electionState) string {
	if e == nil {
		return "no election"
	}
	return formatValue(*e)
}

func formatLeader(l *leaderState) string {
	if l == nil {
		return "no leader"
	}
	text := fmt.Sprint(l.round, l.heartbeatAt, l.quorumAt, l.transferTo, l.transferUntil, l.invited)
	for _, p := range l.peers {
		text += formatValue(*p.Progress) + formatValue(*p)
	}
	return text
}
