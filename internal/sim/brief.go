// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// brief says what is in a message, in few words.
func brief(message wire.Message) string {
	switch m := message.(type) {
	case *wire.AppendEntries:
		return fmt.Sprintf("term %d epoch %d after %v, %d entries%s, commit %d", m.Term, m.Epoch, m.Prev, len(m.Entries), entriesBrief(m.Entries), m.Commit)
	case *wire.ForwardProposals:
		return fmt.Sprintf("term %d session %x number %d, %d commands:%s", m.Term, m.Session, m.ID, len(m.Commands), opsBrief(m.Commands))
	case *wire.ForwardReply:
		return fmt.Sprintf("session %x number %d, results from %d:%s", m.Session, m.ID, m.First, resultsBrief(m.Results))
	case *wire.SnapshotOffer:
		return fmt.Sprintf("term %d epoch %d, %s", m.Term, m.Epoch, snapshotBrief(&m.Snapshot))
	case *wire.SnapshotChunk:
		return fmt.Sprintf("of %v at %d: status %d, %d bytes", m.ID, m.Offset, m.Status, len(m.Data))
	}
	return fmt.Sprintf("%+v", message)
}

// entriesBrief names the operations in entries.
func entriesBrief(entries []wire.Entry) string {
	text := ""
	for i := range entries {
		if entries[i].Kind == wire.EntryCommand {
			text += fmt.Sprintf(" %d", opOf(entries[i].Data))
		} else {
			text += " " + entries[i].Kind.String()
		}
	}
	if text != "" {
		text = " (" + text[1:] + ")"
	}
	return text
}

func snapshotBrief(s *wire.SnapshotMeta) string {
	return fmt.Sprintf("snapshot %v up to %v, last command %v, %d bytes", s.ID, s.Last, s.Command, s.Size)
}

func opsBrief(commands [][]byte) string {
	text := ""
	for _, c := range commands {
		text += fmt.Sprintf(" %d", opOf(c))
	}
	return text
}

func resultsBrief(results []wire.ForwardResult) string {
	text := ""
	for _, r := range results {
		text += fmt.Sprintf(" %s %v", outcomeNames[r.Outcome&7], r.LogID)
	}
	return text
}

var outcomeNames = [8]string{
	wire.OutcomeApplied: "applied", wire.OutcomeNotApplied: "not applied",
	wire.OutcomeUnknown: "unknown", wire.OutcomeTooBusy: "too busy",
}
