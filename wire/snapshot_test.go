// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"
)

func TestSnapshotMetaRoundTrips(t *testing.T) {
	want := snapshot()
	encoded := AppendSnapshotMeta(nil, &want)
	got, err := DecodeSnapshotMeta(encoded)
	if err != nil {
		t.Fatal(err)
	}
	checkEqual(t, "snapshot", got, want)
	for n := range len(encoded) {
		if _, err := DecodeSnapshotMeta(encoded[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d of %d bytes: error %v", n, len(encoded), err)
		}
	}
	if _, err := DecodeSnapshotMeta(append(encoded, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("with a byte more: error %v", err)
	}
}

// TestSnapshotMetaThatCannotBe: what contradicts itself is not decoded.
func TestSnapshotMetaThatCannotBe(t *testing.T) {
	for name, spoil := range map[string]func(*SnapshotMeta){
		"no ID":                       func(s *SnapshotMeta) { s.ID = 0 },
		"no index":                    func(s *SnapshotMeta) { s.Last.Index, s.MembershipAt, s.Command.Index = 0, 0, 0 },
		"no term":                     func(s *SnapshotMeta) { s.Last.Term, s.Command.Term = 0, 0 },
		"a membership that comes yet": func(s *SnapshotMeta) { s.MembershipAt = s.Last.Index + 1 },
		"a command that comes yet":    func(s *SnapshotMeta) { s.Command.Index = s.Last.Index + 1 },
		"a command of a later term":   func(s *SnapshotMeta) { s.Command.Term = s.Last.Term + 1 },
		"a learner who votes":         func(s *SnapshotMeta) { s.Membership.Learners = []NodeID{1} },
	} {
		s := snapshot()
		spoil(&s)
		if _, err := DecodeSnapshotMeta(AppendSnapshotMeta(nil, &s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzDecodeSnapshotMeta(f *testing.F) {
	s := snapshot()
	f.Add(AppendSnapshotMeta(nil, &s))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := DecodeSnapshotMeta(encoded)
		if err != nil {
			return
		}
		if again := AppendSnapshotMeta(nil, &s); string(again) != string(encoded) {
			t.Errorf("%x is encoded as %x", encoded, again)
		}
	})
}
