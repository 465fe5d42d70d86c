// SPDX-License-Identifier: Apache-2.0

package wire

// smallMessageBytes is an upper bound of every message without a variable part.
const smallMessageBytes = 64

// Kind returns KindAppendEntries.
func (*AppendEntries) Kind() MessageKind { return KindAppendEntries }

// Size returns an upper bound of the encoded size in bytes.
func (m *AppendEntries) Size() int { return smallMessageBytes + SizeOf(m.Entries) }

func (m *AppendEntries) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Epoch))
	buf = appendLogID(buf, m.Prev)
	buf = appendUint64(buf, uint64(m.Commit))
	buf = appendUint32(buf, uint32(len(m.Entries)))
	for i := range m.Entries {
		buf = AppendEntry(buf, m.Entries[i])
	}
	return buf
}

func (m *AppendEntries) decode(d *decoder) {
	m.Term, m.Epoch, m.Prev, m.Commit = Term(d.uint64()), Epoch(d.uint64()), d.logID(), Index(d.uint64())
	n := d.count(EntryOverhead)
	if n == 0 {
		return
	}
	m.Entries = make([]Entry, n)
	for i := range m.Entries {
		m.Entries[i] = d.entry()
	}
}

// Kind returns KindAppendReply.
func (*AppendReply) Kind() MessageKind { return KindAppendReply }

// Size returns an upper bound of the encoded size in bytes.
func (*AppendReply) Size() int { return smallMessageBytes }

func (m *AppendReply) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Epoch))
	buf = appendUint64(buf, uint64(m.Match))
	buf = appendBool(buf, m.Rejected)
	buf = appendLogID(buf, m.Conflict)
	return appendUint64(buf, uint64(m.Incarnation))
}

func (m *AppendReply) decode(d *decoder) {
	m.Term, m.Epoch, m.Match = Term(d.uint64()), Epoch(d.uint64()), Index(d.uint64())
	m.Rejected, m.Conflict, m.Incarnation = d.bool(), d.logID(), Incarnation(d.uint64())
}

// Kind returns KindHeartbeat.
func (*Heartbeat) Kind() MessageKind { return KindHeartbeat }

// Size returns an upper bound of the encoded size in bytes.
func (*Heartbeat) Size() int { return smallMessageBytes }

func (m *Heartbeat) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Round))
	return appendUint64(buf, uint64(m.Commit))
}

func (m *Heartbeat) decode(d *decoder) {
	m.Term, m.Round, m.Commit = Term(d.uint64()), Round(d.uint64()), Index(d.uint64())
}

// Kind returns KindHeartbeatReply.
func (*HeartbeatReply) Kind() MessageKind { return KindHeartbeatReply }

// Size returns an upper bound of the encoded size in bytes.
func (*HeartbeatReply) Size() int { return smallMessageBytes }

func (m *HeartbeatReply) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Round))
	buf = appendUint64(buf, uint64(m.Epoch))
	buf = appendUint64(buf, uint64(m.Match))
	buf = appendUint64(buf, uint64(m.Accepted))
	return appendUint64(buf, uint64(m.Incarnation))
}

func (m *HeartbeatReply) decode(d *decoder) {
	m.Term, m.Round, m.Epoch = Term(d.uint64()), Round(d.uint64()), Epoch(d.uint64())
	m.Match, m.Accepted, m.Incarnation = Index(d.uint64()), Index(d.uint64()), Incarnation(d.uint64())
}

// Kind returns KindRequestPreVote.
func (*RequestPreVote) Kind() MessageKind { return KindRequestPreVote }

// Size returns an upper bound of the encoded size in bytes.
func (*RequestPreVote) Size() int { return smallMessageBytes }

func (m *RequestPreVote) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Round))
	buf = appendLogID(buf, m.Last)
	return appendUint64(buf, uint64(m.Incarnation))
}

func (m *RequestPreVote) decode(d *decoder) {
	m.Term, m.Round, m.Last, m.Incarnation = Term(d.uint64()), Round(d.uint64()), d.logID(), Incarnation(d.uint64())
}

// Kind returns KindPreVoteReply.
func (*PreVoteReply) Kind() MessageKind { return KindPreVoteReply }

// Size returns an upper bound of the encoded size in bytes.
func (*PreVoteReply) Size() int { return smallMessageBytes }

func (m *PreVoteReply) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Round))
	buf = appendBool(buf, m.Granted)
	return appendUint64(buf, uint64(m.RemovedAt))
}

func (m *PreVoteReply) decode(d *decoder) {
	m.Term, m.Round, m.Granted, m.RemovedAt = Term(d.uint64()), Round(d.uint64()), d.bool(), Index(d.uint64())
}

// Kind returns KindRequestVote.
func (*RequestVote) Kind() MessageKind { return KindRequestVote }

// Size returns an upper bound of the encoded size in bytes.
func (*RequestVote) Size() int { return smallMessageBytes }

func (m *RequestVote) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendLogID(buf, m.Last)
	buf = appendBool(buf, m.Transfer)
	return appendUint64(buf, uint64(m.Incarnation))
}

func (m *RequestVote) decode(d *decoder) {
	m.Term, m.Last, m.Transfer, m.Incarnation = Term(d.uint64()), d.logID(), d.bool(), Incarnation(d.uint64())
}

// Kind returns KindVoteReply.
func (*VoteReply) Kind() MessageKind { return KindVoteReply }

// Size returns an upper bound of the encoded size in bytes.
func (*VoteReply) Size() int { return smallMessageBytes }

func (m *VoteReply) append(buf []byte) []byte {
	buf = appendBool(appendUint64(buf, uint64(m.Term)), m.Granted)
	return appendUint64(buf, uint64(m.Incarnation))
}

func (m *VoteReply) decode(d *decoder) {
	m.Term, m.Granted, m.Incarnation = Term(d.uint64()), d.bool(), Incarnation(d.uint64())
}

// Kind returns KindTimeoutNow.
func (*TimeoutNow) Kind() MessageKind { return KindTimeoutNow }

// Size returns an upper bound of the encoded size in bytes.
func (*TimeoutNow) Size() int { return smallMessageBytes }

func (m *TimeoutNow) append(buf []byte) []byte { return appendUint64(buf, uint64(m.Term)) }

func (m *TimeoutNow) decode(d *decoder) { m.Term = Term(d.uint64()) }
