// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func checkEqual(t *testing.T, name string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ngot  %+v\nwant %+v", name, got, want)
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	before, after := []byte("before"), []byte("after")
	for _, m := range messages() {
		encoded := append(AppendEnvelope(bytes.Clone(before), m.Envelope), after...)
		if !bytes.HasPrefix(encoded, before) {
			t.Fatalf("%s: what was in the buffer is damaged", m.name)
		}
		got, rest, err := DecodeEnvelope(encoded[len(before):])
		if err != nil || !bytes.Equal(rest, after) {
			t.Errorf("%s: %q is left, error %v", m.name, rest, err)
		}
		checkEqual(t, m.name, got, m.Envelope)
		if got.Message.Kind() != m.Message.Kind() {
			t.Errorf("%s: got a %v", m.name, got.Message.Kind())
		}
	}
}

func TestKindsAreNamedAndMade(t *testing.T) {
	kinds := 0
	for kind := range MessageKind(math.MaxUint8) {
		m := newMessage(kind)
		if (m != nil) != (!strings.Contains(kind.String(), "(")) {
			t.Errorf("kind %d is named %v", kind, kind)
		}
		if m != nil {
			kinds++
			if m.Kind() != kind || reflect.TypeOf(m).Elem().Name() != kind.String() {
				t.Errorf("kind %v makes a %T", kind, m)
			}
		}
	}
	if kinds != 15 {
		t.Errorf("there are %d kinds", kinds)
	}
	for kind := range EntryKind(math.MaxUint8) {
		if known := kind >= EntryBlank && kind <= EntryMembership; known == strings.Contains(kind.String(), "(") {
			t.Errorf("entry kind %d is named %v", kind, kind)
		}
	}
}

func TestSizeIsAnUpperBound(t *testing.T) {
	for _, m := range messages() {
		encoded := len(AppendEnvelope(nil, m.Envelope))
		if size := m.Size(); size < encoded || size > encoded+smallMessageBytes {
			t.Errorf("%s: Size is %d, encoded it has %d", m.name, size, encoded)
		}
		if size := m.Message.Size(); size < encoded-EnvelopeOverhead {
			t.Errorf("%s: the message's Size is %d, encoded it has %d", m.name, size, encoded-EnvelopeOverhead)
		}
	}
	for name, m := range memberships() {
		if size, encoded := membershipBytes(&m), len(AppendMembership(nil, &m)); size != encoded {
			t.Errorf("%s: membershipBytes is %d, encoded it has %d", name, size, encoded)
		}
	}
	total := 0
	for _, e := range entries() {
		if size, encoded := e.Size(), len(AppendEntry(nil, e)); size != encoded {
			t.Errorf("%v: Size is %d, encoded it has %d", e.Kind, size, encoded)
		}
		total += e.Size()
	}
	if size := SizeOf(entries()); size != total {
		t.Errorf("SizeOf is %d, want %d", size, total)
	}
}

// TestTruncatedMessages cuts every message at every byte: as a stream that ends,
// and as an envelope whose length agrees with the cut.
func TestTruncatedMessages(t *testing.T) {
	for _, m := range messages() {
		encoded := AppendEnvelope(nil, m.Envelope)
		for n := range len(encoded) {
			if got, _, err := DecodeEnvelope(encoded[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %d of %d bytes give %+v, error %v", m.name, n, len(encoded), got, err)
			}
			if n < 4 {
				continue
			}
			if got, _, err := DecodeEnvelope(sized(encoded[4:n])); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %d of %d bytes in an envelope give %+v, error %v", m.name, n, len(encoded), got, err)
			}
		}
		longer := sized(append(bytes.Clone(encoded[4:]), 0))
		if got, _, err := DecodeEnvelope(longer); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: with a byte more it gives %+v, error %v", m.name, got, err)
		}
	}
}

// sized puts the length in front of what an envelope contains.
func sized(content []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(content))), content...)
}

func TestTruncatedEntriesAndMemberships(t *testing.T) {
	for _, e := range entries() {
		encoded := AppendEntry(nil, e)
		for n := range len(encoded) {
			if _, _, err := DecodeEntry(encoded[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v: %d of %d bytes: error %v", e.Kind, n, len(encoded), err)
			}
		}
		got, rest, err := DecodeEntry(append(encoded, "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Errorf("%v: %q is left, error %v", e.Kind, rest, err)
		}
		checkEqual(t, e.Kind.String(), got, e)
	}
	for name, m := range memberships() {
		encoded := AppendMembership(nil, &m)
		for n := range len(encoded) {
			if _, err := DecodeMembership(encoded[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %d of %d bytes: error %v", name, n, len(encoded), err)
			}
		}
		if _, err := DecodeMembership(append(bytes.Clone(encoded), 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: with a byte more: error %v", name, err)
		}
		got, err := DecodeMembership(encoded)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checkEqual(t, name, got, m)
	}
}

func TestMalformedValues(t *testing.T) {
	message := func(kind MessageKind, parts ...any) []byte {
		content := append(make([]byte, 8), byte(kind))
		for _, part := range parts {
			content, _ = binary.Append(content, binary.LittleEndian, part)
		}
		return sized(content)
	}
	logID := [2]uint64{}
	for name, encoded := range map[string][]byte{
		"kind 0":          message(0),
		"kind 16":         message(16),
		"kind 255":        message(255, logID),
		"bool 2":          message(KindVoteReply, uint64(1), uint8(2)),
		"bool 255":        message(KindPreVoteReply, uint64(1), uint64(1), uint8(255)),
		"entry kind 0":    message(KindAppendEntries, [5]uint64{}, uint32(1), [2]uint64{}, uint8(0), uint32(0)),
		"entry kind 4":    message(KindAppendEntries, [5]uint64{}, uint32(1), [2]uint64{}, uint8(4), uint32(0)),
		"outcome 0":       message(KindForwardReply, [2]uint64{}, uint32(0), uint32(1), uint8(0), logID, uint32(0)),
		"outcome 5":       message(KindForwardReply, [2]uint64{}, uint32(0), uint32(1), uint8(5), logID, uint32(0)),
		"chunk status 0":  message(KindSnapshotChunk, [2]uint64{}, uint8(0), uint32(0), uint32(0)),
		"chunk status 5":  message(KindSnapshotChunk, [2]uint64{}, uint8(5), uint32(0), uint32(0)),
		"chunk, no bytes": message(KindSnapshotChunk, [2]uint64{}, uint8(1), uint32(0), uint32(0)),
		"end with a byte": message(KindSnapshotChunk, [2]uint64{}, uint8(2), uint32(0), uint32(1), uint8(0)),
		"zero snapshot":   message(KindSnapshotOffer, [2]uint64{}, [6]uint64{}, uint32(0), uint8(0), uint64(0), [5]uint32{}),
		"nothing":         sized(nil),
		"length too long": {255, 255, 255, 255, 0},
	} {
		if got, rest, err := DecodeEnvelope(encoded); !errors.Is(err, ErrMalformed) || got.Message != nil || rest != nil {
			t.Errorf("%s: got %+v, error %v", name, got, err)
		}
	}
}

// TestForgedCountsAllocateNothing has every count and length claim far more than
// there is.
func TestForgedCountsAllocateNothing(t *testing.T) {
	const most = math.MaxUint32
	forge := func(encoded []byte, at int) []byte {
		forged := bytes.Clone(encoded)
		binary.LittleEndian.PutUint32(forged[at:], most)
		return forged
	}
	envelope := func(m Message) []byte { return AppendEnvelope(nil, Envelope{Message: m}) }
	decodeEnvelope := func(b []byte) error { _, _, err := DecodeEnvelope(b); return err }
	decodeEntry := func(b []byte) error { _, _, err := DecodeEntry(b); return err }
	decodeMembership := func(b []byte) error { _, err := DecodeMembership(b); return err }
	membership := AppendMembership(nil, &Membership{})
	for name, test := range map[string]struct {
		forged []byte
		decode func([]byte) error
	}{
		"envelope":     {forge(envelope(&TimeoutNow{}), 0), decodeEnvelope},
		"entries":      {forge(envelope(&AppendEntries{}), EnvelopeOverhead+40), decodeEnvelope},
		"commands":     {forge(envelope(&ForwardProposals{}), EnvelopeOverhead+24), decodeEnvelope},
		"results":      {forge(envelope(&ForwardReply{}), EnvelopeOverhead+20), decodeEnvelope},
		"command":      {forge(envelope(&ForwardProposals{Commands: make([][]byte, 1)}), EnvelopeOverhead+28), decodeEnvelope},
		"value":        {forge(envelope(&ForwardReply{Results: make([]ForwardResult, 1)}), EnvelopeOverhead+24+17), decodeEnvelope},
		"entry's data": {forge(AppendEntry(nil, Entry{Kind: EntryBlank}), EntryOverhead-4), decodeEntry},
		"voters":       {forge(membership, 0), decodeMembership},
		"outgoing":     {forge(membership, 4), decodeMembership},
		"learners":     {forge(membership, 8), decodeMembership},
		"members":      {forge(membership, 12), decodeMembership},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := test.decode(test.forged)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<16 || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: allocated %d bytes, error %v", name, grown, err)
		}
	}
}

func TestIDs(t *testing.T) {
	for _, test := range []struct {
		a, b LogID
		want int
	}{
		{LogID{1, 9}, LogID{2, 1}, -1}, {LogID{2, 1}, LogID{1, 9}, 1},
		{LogID{2, 1}, LogID{2, 3}, -1}, {LogID{2, 3}, LogID{2, 1}, 1}, {LogID{2, 3}, LogID{2, 3}, 0},
	} {
		if got := test.a.Compare(test.b); got != test.want {
			t.Errorf("%v and %v compare as %d", test.a, test.b, got)
		}
	}
	if got := (LogID{3, 17}).String(); got != "t3/i17" {
		t.Errorf("a log ID prints as %s", got)
	}
	if got := (ClusterID{0xab, 15: 1}).String(); got != "ab000000000000000000000000000001" {
		t.Errorf("a cluster ID prints as %s", got)
	}
	if got := (Entry{Term: 3, Index: 17}).ID(); got != (LogID{3, 17}) {
		t.Errorf("an entry's ID is %v", got)
	}
	if !(HardState{}).IsZero() || (HardState{Term: 1}).IsZero() || (HardState{Vote: 1}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, m := range messages() {
		f.Add(AppendEnvelope(nil, m.Envelope))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		envelope, rest, err := DecodeEnvelope(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		encoded := AppendEnvelope(nil, envelope)
		if !bytes.Equal(append(encoded, rest...), data) {
			t.Fatalf("%x is decoded as %+v", data, envelope)
		}
		if envelope.Size() < len(encoded) {
			t.Fatalf("Size is %d, encoded it has %d", envelope.Size(), len(encoded))
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	for _, e := range entries() {
		f.Add(AppendEntry(nil, e))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, rest, err := DecodeEntry(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if encoded := AppendEntry(nil, e); !bytes.Equal(append(encoded, rest...), data) {
			t.Fatalf("%x is decoded as %+v", data, e)
		}
	})
}

func FuzzDecodeMembership(f *testing.F) {
	for _, m := range memberships() {
		f.Add(AppendMembership(nil, &m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMembership(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(AppendMembership(nil, &m), data) {
			t.Fatalf("%x is decoded as %+v", data, m)
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("decoded an invalid membership: %v", err)
		}
	})
}
