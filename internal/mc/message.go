// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// message is one that is under way, or was.
type message struct {
	from, to wire.NodeID
	payload  wire.Message
	// content is the encoded payload. It names no member but those of the membership,
	// which are all: renaming changes from and to only.
	content []byte
	hashes  []hash // under each renaming
}

func newMessage(from, to wire.NodeID, payload wire.Message) *message {
	return &message{from: from, to: to, payload: payload, content: wire.AppendEnvelope(nil, wire.Envelope{Message: payload})}
}

func (m *message) hash(relabel core.Relabel) hash {
	buf := append(make([]byte, 0, 128), 'm', byte(relabel(m.from)), byte(relabel(m.to)))
	return hashOf(append(buf, m.content...))
}

// String renders the message like "1 > 2 VoteReply{Term:2 Granted:true}".
func (m *message) String() string {
	return fmt.Sprintf("%d > %d %s", m.from, m.to, render(m.payload))
}

// render names the fields of a message or effect that are not zero.
func render(what any) string {
	v := reflect.Indirect(reflect.ValueOf(what))
	var fields []string
	for i := range v.NumField() {
		if field := v.Field(i); !field.IsZero() {
			fields = append(fields, v.Type().Field(i).Name+":"+renderValue(field.Interface()))
		}
	}
	return v.Type().Name() + "{" + strings.Join(fields, " ") + "}"
}

func renderValue(value any) string {
	switch value := value.(type) {
	case []wire.Entry:
		entries := make([]string, len(value))
		for i, e := range value {
			entries[i] = renderEntry(e)
		}
		return "[" + strings.Join(entries, ", ") + "]"
	case wire.SnapshotMeta:
		return renderSnapshot(&value)
	case wire.HardState:
		return fmt.Sprintf("term %d vote %d", value.Term, value.Vote)
	}
	return fmt.Sprint(value)
}

func renderEntry(e wire.Entry) string {
	if e.Kind == wire.EntryCommand {
		return fmt.Sprintf("%v command %d", e.ID(), e.Data[0])
	}
	if e.Kind == wire.EntryMembership {
		if m, err := wire.DecodeMembership(e.Data); err == nil {
			return fmt.Sprintf("%v %s", e.ID(), renderMembership(&m))
		}
	}
	return fmt.Sprintf("%v %v", e.ID(), e.Kind)
}

// renderMembership renders a membership like "voters 1 2/1 2 3, learners 4, then 1 2 4": the
// old voters of a joint one are behind the bar, and the target is at the end. A disk that is
// not its node's first is marked by its number.
func renderMembership(m *wire.Membership) string {
	text := "voters " + renderMembers(m, m.Voters)
	if m.IsJoint() {
		text += "/" + renderMembers(m, m.Outgoing)
	}
	if len(m.Learners) > 0 {
		text += ", learners " + renderMembers(m, m.Learners)
	}
	if len(m.TargetVoters) > 0 {
		text += ", then " + renderMembers(&wire.Membership{}, m.TargetVoters)
	}
	return text
}

func renderMembers(m *wire.Membership, ids []wire.NodeID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprint(id)
		if disk := m.Incarnation(id); disk > firstIncarnation {
			words[i] += fmt.Sprintf("(disk %d)", disk-firstIncarnation+1)
		}
	}
	return strings.Join(words, " ")
}

func renderTarget(t *Target) string {
	m := t.membership()
	return renderMembership(&m)
}

// renderSnapshot renders a snapshot like "snapshot 3(term 2)[1 2 2]".
func renderSnapshot(s *wire.SnapshotMeta) string {
	return fmt.Sprintf("snapshot %v%s", s.Last, renderLog(contentOf(s.ID)))
}

func renderSnapshots(snapshots []wire.SnapshotMeta) string {
	if len(snapshots) == 0 {
		return "no snapshot"
	}
	all := make([]string, len(snapshots))
	for i := range snapshots {
		all[i] = renderSnapshot(&snapshots[i])
	}
	return strings.Join(all, ", ")
}

// String renders a log like "[1 | 2 3(1) 3<1>]": what is before the bar is not held, and
// <1> is one of the memberships that a transcript begins with.
func (r records) String() string {
	if r.base.Index == 0 {
		return renderLog(r.log)
	}
	before, held := renderLog(r.log[:r.base.Index]), renderLog(r.log[r.base.Index:])
	return strings.TrimSuffix(before, "]") + " | " + strings.TrimPrefix(held, "[")
}

func renderLog(log []slot) string {
	entries := make([]string, len(log))
	for i, s := range log {
		entries[i] = fmt.Sprint(s.term)
		if s.kind == wire.EntryCommand {
			entries[i] += fmt.Sprintf("(%d)", s.value)
		}
		if s.kind == wire.EntryMembership && s.value > 0 {
			entries[i] += fmt.Sprintf("<%d>", s.value)
		}
	}
	return "[" + strings.Join(entries, " ") + "]"
}
