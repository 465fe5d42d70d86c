// SPDX-License-Identifier: Apache-2.0

package wire

// EnvelopeOverhead is the number of bytes an encoded envelope has beside its message.
const EnvelopeOverhead = 4 + 8 + 1

// Size is an upper bound of the encoded size of the envelope in bytes.
func (e Envelope) Size() int { return EnvelopeOverhead + e.Message.Size() }

// AppendEnvelope appends the encoding of the envelope to buf: length of what
// follows, group, kind, message.
func AppendEnvelope(buf []byte, e Envelope) []byte {
	start := len(buf)
	buf = appendUint32(buf, 0)
	buf = appendUint64(buf, uint64(e.Group))
	buf = append(buf, byte(e.Message.Kind()))
	buf = e.Message.append(buf)
	size := uint32(len(buf) - start - 4)
	appendUint32(buf[:start], size)
	return buf
}

// DecodeEnvelope decodes one envelope from the start of buf and returns what
// follows it. The bytes of entries, commands and values alias buf, which must not
// be reused while the message lives.
func DecodeEnvelope(buf []byte) (e Envelope, rest []byte, err error) {
	outer := decoder{buf: buf}
	d := decoder{buf: outer.bytes()}
	if outer.err != nil {
		return Envelope{}, nil, outer.err
	}
	e.Group = GroupID(d.uint64())
	e.Message = newMessage(MessageKind(d.uint8()))
	if e.Message == nil {
		d.fail("a message of unknown kind")
		return Envelope{}, nil, d.err
	}
	e.Message.decode(&d)
	if err := d.finish(); err != nil {
		return Envelope{}, nil, err
	}
	return e, outer.buf, nil
}

func newMessage(kind MessageKind) Message {
	switch kind {
	case KindAppendEntries:
		return new(AppendEntries)
	case KindAppendReply:
		return new(AppendReply)
	case KindHeartbeat:
		return new(Heartbeat)
	case KindHeartbeatReply:
		return new(HeartbeatReply)
	case KindRequestPreVote:
		return new(RequestPreVote)
	case KindPreVoteReply:
		return new(PreVoteReply)
	case KindRequestVote:
		return new(RequestVote)
	case KindVoteReply:
		return new(VoteReply)
	case KindTimeoutNow:
		return new(TimeoutNow)
	case KindForwardProposals:
		return new(ForwardProposals)
	case KindForwardReply:
		return new(ForwardReply)
	case KindSnapshotOffer:
		return new(SnapshotOffer)
	case KindSnapshotWanted:
		return new(SnapshotWanted)
	case KindSnapshotFetch:
		return new(SnapshotFetch)
	case KindSnapshotChunk:
		return new(SnapshotChunk)
	}
	return nil
}
