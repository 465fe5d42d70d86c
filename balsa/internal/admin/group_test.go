// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/balsa-raft/raft"
)

// stub is a group that records what it is asked for and answers with err. With waits set it
// waits until the caller's context ends.
type stub struct {
	mu    sync.Mutex
	calls []string
	err   error
	waits bool
	// began gets a value with each call, unless it is nil.
	began chan struct{}
}

func (s *stub) call(ctx context.Context, format string, args ...any) error {
	s.mu.Lock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	s.mu.Unlock()
	if s.began != nil {
		s.began <- struct{}{}
	}
	if s.waits {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", raft.ErrChangeGoesOn, context.Cause(ctx))
	}
	return s.err
}

// listed writes members as flags do.
func listed(members []raft.Member) string {
	var list []Member
	for _, m := range members {
		list = append(list, Member{ID: m.ID, Address: m.Address})
	}
	return FormatMembers(list)
}

func (s *stub) Initialize(ctx context.Context, members ...raft.Member) error {
	return s.call(ctx, "Initialize %v", listed(members))
}

func (s *stub) PlanMembership(target raft.MembershipTarget) (raft.MembershipPlan, error) {
	err := s.call(context.Background(), "PlanMembership %v %v %d %v", listed(target.Voters), listed(target.Learners), target.IfIndex, target.Force)
	return raft.MembershipPlan{
		Index:   7,
		Steps:   []raft.PlanStep{{Name: "now", Quorums: []raft.PlanQuorum{{Voters: []raft.NodeID{1}, Answering: nil, Needs: 1}}, Tolerates: -1}},
		CatchUp: []raft.PlanCatchUp{{ID: 4, Lag: 3}}, Refusal: raft.ErrQuorumAtRisk, Reasons: []string{"too few"},
	}, err
}

func (s *stub) ChangeMembership(ctx context.Context, target raft.MembershipTarget) error {
	return s.call(ctx, "ChangeMembership %v %v %d %v", listed(target.Voters), listed(target.Learners), target.IfIndex, target.Force)
}

func (s *stub) AddLearner(ctx context.Context, m raft.Member) error {
	return s.call(ctx, "AddLearner %v", listed([]raft.Member{m}))
}

func (s *stub) AddVoter(ctx context.Context, m raft.Member) error {
	return s.call(ctx, "AddVoter %v", listed([]raft.Member{m}))
}

func (s *stub) Promote(ctx context.Context, id raft.NodeID) error {
	return s.call(ctx, "Promote %d", id)
}
func (s *stub) Demote(ctx context.Context, id raft.NodeID) error {
	return s.call(ctx, "Demote %d", id)
}
func (s *stub) Remove(ctx context.Context, id raft.NodeID) error {
	return s.call(ctx, "Remove %d", id)
}

func (s *stub) Replace(ctx context.Context, id raft.NodeID, by raft.Member) error {
	return s.call(ctx, "Replace %d %v", id, listed([]raft.Member{by}))
}

func (s *stub) UpdateAddress(ctx context.Context, id raft.NodeID, address string) error {
	return s.call(ctx, "UpdateAddress %d %s", id, address)
}

func (s *stub) SetPriority(ctx context.Context, id raft.NodeID, priority uint8) error {
	return s.call(ctx, "SetPriority %d %d", id, priority)
}

func (s *stub) TransferLeadership(ctx context.Context, to raft.NodeID) error {
	return s.call(ctx, "TransferLeadership %d", to)
}

func (s *stub) Drain(ctx context.Context) error    { return s.call(ctx, "Drain") }
func (s *stub) Undrain(ctx context.Context) error  { return s.call(ctx, "Undrain") }
func (s *stub) Campaign(ctx context.Context) error { return s.call(ctx, "Campaign") }

func (s *stub) Snapshot(ctx context.Context) (raft.SnapshotMeta, error) {
	return meta, s.call(ctx, "Snapshot")
}

func (s *stub) Compact(ctx context.Context) (raft.SnapshotMeta, error) {
	return meta, s.call(ctx, "Compact")
}

func (s *stub) Backup(_ context.Context, w io.Writer) (raft.SnapshotMeta, error) {
	_, err := io.WriteString(w, "a backup")
	return meta, err
}
