// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// hasty is a log store that says that updates are durable and saves them with the next.
type hasty struct {
	raft.LogStore
	held []wire.Update
}

func (s *hasty) Save(updates []wire.Update) error {
	ready := s.held
	s.held = nil
	for _, u := range updates {
		u.Entries = append([]wire.Entry(nil), u.Entries...)
		s.held = append(s.held, u)
	}
	if len(ready) == 0 {
		return nil
	}
	return s.LogStore.Save(ready)
}

// voteless is a log store that keeps no votes.
type voteless struct{ raft.LogStore }

func (s voteless) Save(updates []wire.Update) error {
	for i := range updates {
		updates[i].HardState.Vote = 0
	}
	return s.LogStore.Save(updates)
}

// stubborn is a log store that goes on after a write has failed.
type stubborn struct{ raft.LogStore }

func (s stubborn) Save(updates []wire.Update) error {
	_ = s.LogStore.Save(updates)
	return nil
}

// editor is a transport that changes messages on their way out.
type editor struct {
	raft.Transport
	edit func(m wire.Message) wire.Message
}

func (e editor) Send(to raft.NodeID, envelope wire.Envelope) bool {
	envelope.Message = e.edit(envelope.Message)
	return e.Transport.Send(to, envelope)
}

// forger changes what arrives at a node.
type forger struct {
	raft.Transport
	forge func(from raft.NodeID, m wire.Message) wire.Message
}

func (f forger) Start(deliver func(raft.NodeID, []wire.Envelope), unreachable func(raft.NodeID)) error {
	return f.Transport.Start(func(from raft.NodeID, batch []wire.Envelope) {
		for i := range batch {
			batch[i].Message = f.forge(from, batch[i].Message)
		}
		deliver(from, batch)
	}, unreachable)
}

func forging(forge func(from raft.NodeID, m wire.Message) wire.Message) plant {
	return plant{net: func(_ *node, honest raft.Transport) raft.Transport { return forger{honest, forge} }}
}

// planted is a fault that has to be found.
type planted struct {
	name  string
	plant plant
	want  []string // the invariants that may see it first
}

// badStores are log stores that break their contract.
func badStores() []planted {
	return []planted{
		{"a log store that acknowledges before it is durable", plant{store: func(_ *node, honest raft.LogStore) raft.LogStore {
			return &hasty{LogStore: honest}
		}}, []string{"I10", "I27"}},
		{"a log store that keeps no votes", plant{store: func(_ *node, honest raft.LogStore) raft.LogStore {
			return voteless{honest}
		}}, []string{"I10"}},
		{"a log store that hides errors", plant{store: func(_ *node, honest raft.LogStore) raft.LogStore {
			return stubborn{honest}
		}}, []string{"I10", "I27", "I26", "I3"}},
	}
}

// badNetworks are transports that break theirs.
func badNetworks() []planted {
	return []planted{
		{"a transport that grants votes", forging(func(_ raft.NodeID, m wire.Message) wire.Message {
			if reply, ok := m.(*wire.VoteReply); ok {
				return &wire.VoteReply{Term: reply.Term, Granted: true}
			}
			return m
		}), []string{"I1", "I6"}},
		{"a transport that acknowledges everything", forging(func(_ raft.NodeID, m wire.Message) wire.Message {
			if reply, ok := m.(*wire.AppendReply); ok && !reply.Rejected {
				return &wire.AppendReply{Term: reply.Term, Epoch: reply.Epoch, Match: reply.Match + 1}
			}
			return m
		}), []string{"I8", "I27", "I28"}},
		{"a transport that commits everything", forging(func(_ raft.NodeID, m wire.Message) wire.Message {
			if request, ok := m.(*wire.AppendEntries); ok {
				forged := *request
				forged.Commit = 1 << 40
				return &forged
			}
			return m
		}), []string{"I8"}},
		{"a transport that changes a command", forging(func(from raft.NodeID, m wire.Message) wire.Message {
			request, ok := m.(*wire.AppendEntries)
			if !ok || from != 1 {
				return m
			}
			for i, e := range request.Entries {
				if e.Kind == wire.EntryCommand && e.Index%16 == 0 {
					request.Entries[i].Data = binary.LittleEndian.AppendUint64(nil, 1)
				}
			}
			return m
		}), []string{"I5", "I7", "I9", "I10"}},
		{"a member that promises what it does not have", plant{net: func(_ *node, honest raft.Transport) raft.Transport {
			return editor{honest, func(m wire.Message) wire.Message {
				if reply, ok := m.(*wire.HeartbeatReply); ok && reply.Match > 0 {
					return &wire.HeartbeatReply{Term: reply.Term, Round: reply.Round, Epoch: reply.Epoch, Match: reply.Accepted + 1}
				}
				return m
			}}
		}}, []string{"I10"}},
	}
}

// badUsers are state machines and clients that are not what they should be.
func badUsers() []planted {
	return []planted{
		{"a state machine that is not deterministic", plant{apply: func(m *machine, value uint64) uint64 {
			return value ^ uint64(m.life)
		}}, []string{"I7"}},
		{"clients that are told that nothing was applied", plant{answer: func(op uint64, err error) error {
			if op%8 == 0 && err == nil {
				return raft.ErrOverwritten
			}
			return err
		}}, []string{"I19"}},
		{"clients that are told that all was applied", plant{answer: func(op uint64, err error) error {
			if errors.Is(err, raft.ErrOutcomeUnknown) {
				return raft.ErrStopped
			}
			return err
		}}, []string{"I19"}},
	}
}

// TestPlantedFaults puts faults into what the simulator or the library trusts, and
// demands that they are found, each as what it is.
func TestPlantedFaults(t *testing.T) {
	for _, test := range slices.Concat(badStores(), badNetworks(), badUsers()) {
		t.Run(test.name, test.find)
	}
}

// find demands that one of some seeds finds it.
func (p *planted) find(t *testing.T) {
	skipInRace(t)
	t.Parallel()
	for seed := uint64(1); seed <= 60; seed++ {
		result := Run(Options{Seed: seed, Duration: 8 * time.Second, plant: p.plant})
		if result.Violation == nil {
			continue
		}
		if slices.ContainsFunc(p.want, func(want string) bool { return strings.HasPrefix(result.Violation.Invariant, want+" ") }) {
			return
		}
		t.Fatalf("seed %d: seen as %v, want one of %v", seed, result.Violation, p.want)
	}
	t.Fatal("no seed sees it")
}

// TestShrink demands of a failure that less of it is found that still fails.
func TestShrink(t *testing.T) {
	o := Options{Seed: 1, Duration: 8 * time.Second, plant: plant{answer: func(op uint64, err error) error {
		if errors.Is(err, raft.ErrOutcomeUnknown) {
			return raft.ErrStopped
		}
		return err
	}}}
	failed := Run(o)
	for failed.Violation == nil {
		o.Seed++
		failed = Run(o)
	}
	smaller, result := Shrink(o, failed)
	if result.Violation == nil || smaller.Without.IsEmpty() && result.Events >= failed.Events {
		t.Fatalf("shrunk to %+v: %v after %d events, at first %d", smaller, result.Violation, result.Events, failed.Events)
	}
	if again := Run(smaller); again.Hash != result.Hash {
		t.Fatal("what it was shrunk to is not what was run")
	}
}
