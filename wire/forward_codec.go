// SPDX-License-Identifier: Apache-2.0

package wire

// Kind returns KindForwardProposals.
func (*ForwardProposals) Kind() MessageKind { return KindForwardProposals }

// Size returns an upper bound of the encoded size in bytes.
func (m *ForwardProposals) Size() int {
	size := smallMessageBytes + 4*len(m.Commands)
	for _, command := range m.Commands {
		size += len(command)
	}
	return size
}

func (m *ForwardProposals) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, m.Session)
	buf = appendUint64(buf, m.ID)
	buf = appendUint32(buf, uint32(len(m.Commands)))
	for _, command := range m.Commands {
		buf = appendBytes(buf, command)
	}
	return buf
}

func (m *ForwardProposals) decode(d *decoder) {
	m.Term, m.Session, m.ID = Term(d.uint64()), d.uint64(), d.uint64()
	if n := d.count(4); n > 0 {
		m.Commands = make([][]byte, n)
	}
	for i := range m.Commands {
		m.Commands[i] = d.bytes()
	}
}

// Kind returns KindForwardReply.
func (*ForwardReply) Kind() MessageKind { return KindForwardReply }

const forwardResultBytes = 1 + 16 + 4

// Size returns an upper bound of the encoded size in bytes.
func (m *ForwardReply) Size() int {
	size := smallMessageBytes + forwardResultBytes*len(m.Results)
	for i := range m.Results {
		size += len(m.Results[i].Value)
	}
	return size
}

func (m *ForwardReply) append(buf []byte) []byte {
	buf = appendUint64(buf, m.Session)
	buf = appendUint64(buf, m.ID)
	buf = appendUint32(buf, m.First)
	buf = appendUint32(buf, uint32(len(m.Results)))
	for i := range m.Results {
		buf = append(buf, byte(m.Results[i].Outcome))
		buf = appendLogID(buf, m.Results[i].LogID)
		buf = appendBytes(buf, m.Results[i].Value)
	}
	return buf
}

func (m *ForwardReply) decode(d *decoder) {
	m.Session, m.ID, m.First = d.uint64(), d.uint64(), d.uint32()
	if n := d.count(forwardResultBytes); n > 0 {
		m.Results = make([]ForwardResult, n)
	}
	for i := range m.Results {
		r := ForwardResult{Outcome: Outcome(d.uint8()), LogID: d.logID(), Value: d.bytes()}
		if d.err == nil && (r.Outcome < OutcomeApplied || r.Outcome > OutcomeTooBusy) {
			d.fail("an outcome that is none")
		}
		m.Results[i] = r
	}
}
