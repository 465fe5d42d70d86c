// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/balsa-raft/raft"
)

// Bounds of a command.
const (
	// bodyBytesMax is what its JSON may have: members, of whom there are 256 at most.
	bodyBytesMax = 1 << 20
	// timeoutDefault is how long it is waited for, unless the request says otherwise, TimeoutMax how long
	// at most. A snapshot is always given as long as it may take.
	timeoutDefault = 30 * time.Second
	// TimeoutMax is the most that a request may say.
	TimeoutMax = longTimeout
	// answerTimeout is how long it may take to write the answer to a command.
	answerTimeout = 10 * time.Second
)

// handleCommands serves the commands that change something.
func (c *Config) handleCommands(r *router) {
	g := c.Group
	change := func(do func(context.Context, raft.NodeID) error) func(context.Context, NodeRequest) (any, error) {
		return func(ctx context.Context, r NodeRequest) (any, error) {
			return c.changed(checkID(r.ID), func() error { return do(ctx, r.ID) })
		}
	}
	member := func(do func(context.Context, raft.Member) error) func(context.Context, Member) (any, error) {
		return func(ctx context.Context, m Member) (any, error) {
			return c.changed(checkMember(m), func() error { return do(ctx, raft.Member{ID: m.ID, Address: m.Address}) })
		}
	}
	simple := func(do func(context.Context) error) func(context.Context, NoRequest) (any, error) {
		return func(ctx context.Context, _ NoRequest) (any, error) { return Done{State: StateDone}, do(ctx) }
	}
	handle(c, r, "initialize", timeoutDefault, c.initialize)
	handle(c, r, "change", timeoutDefault, c.change)
	handle(c, r, "add-learner", timeoutDefault, member(g.AddLearner))
	handle(c, r, "add-voter", timeoutDefault, member(g.AddVoter))
	handle(c, r, "promote", timeoutDefault, change(g.Promote))
	handle(c, r, "demote", timeoutDefault, change(g.Demote))
	handle(c, r, "remove", timeoutDefault, change(g.Remove))
	handle(c, r, "replace", timeoutDefault, c.replace)
	handle(c, r, "update-address", timeoutDefault, member(func(ctx context.Context, m raft.Member) error { return g.UpdateAddress(ctx, m.ID, m.Address) }))
	handle(c, r, "set-priority", timeoutDefault, c.setPriority)
	handle(c, r, "transfer-leader", timeoutDefault, c.transfer)
	handle(c, r, "step-down", timeoutDefault, func(ctx context.Context, _ NoRequest) (any, error) { return c.transfer(ctx, NodeRequest{}) })
	handle(c, r, "drain", timeoutDefault, simple(g.Drain))
	handle(c, r, "undrain", timeoutDefault, simple(g.Undrain))
	handle(c, r, "trigger-election", timeoutDefault, simple(g.Campaign))
	handle(c, r, "snapshot", TimeoutMax, snapshotted(g.Snapshot))
	handle(c, r, "compact", TimeoutMax, snapshotted(g.Compact))
	handle(c, r, "reload", timeoutDefault, func(_ context.Context, r ReloadRequest) (any, error) { return Done{State: StateDone}, c.reload(r) })
	handle(c, r, "shutdown", timeoutDefault, simple(func(context.Context) error { c.Shutdown(); return nil }))
}

// handle serves a command of a name: its request is read, and its answer written. Patience is for
// how long it is waited for unless the request says otherwise.
func handle[Request any](c *Config, to *router, name string, patience time.Duration, do func(context.Context, Request) (any, error)) {
	to.handle(http.MethodPost, name, func(w http.ResponseWriter, r *http.Request) {
		var request Request
		timeout, err := timeoutOf(r, patience)
		if err == nil {
			err = readRequest(w, r, &request)
		}
		if err != nil {
			c.refuse(w, err)
			return
		}
		allow(w, timeout+answerTimeout)
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		answer, err := do(ctx, request)
		switch {
		case errors.Is(err, raft.ErrChangeGoesOn):
			serveJSON(w, http.StatusAccepted, answer)
		case err != nil:
			c.refuse(w, err)
		default:
			serveJSON(w, http.StatusOK, answer)
		}
	})
}

func (c *Config) initialize(ctx context.Context, r InitializeRequest) (any, error) {
	err := checkSet(r.Members, nil)
	members := make([]raft.Member, 0, len(r.Members))
	for _, m := range r.Members {
		if err == nil {
			err = checkMember(m)
		}
		members = append(members, raft.Member{ID: m.ID, Address: m.Address})
	}
	if id := c.Status().ID; err == nil && !slices.ContainsFunc(members, func(m raft.Member) bool { return m.ID == id }) {
		err = fmt.Errorf("%w: this node, %d, is not among the members", errMalformed, id)
	}
	if err != nil {
		return nil, err
	}
	err = c.Group.Initialize(ctx, members...)
	return Changed{Done: Done{State: StateDone}, Membership: c.describe().Membership}, err
}

func (c *Config) replace(ctx context.Context, r ReplaceRequest) (any, error) {
	err := checkID(r.ID)
	if err == nil {
		err = checkMember(r.By)
	}
	return c.changed(err, func() error { return c.Group.Replace(ctx, r.ID, raft.Member{ID: r.By.ID, Address: r.By.Address}) })
}

func (c *Config) setPriority(ctx context.Context, r PriorityRequest) (any, error) {
	return c.changed(checkID(r.ID), func() error { return c.Group.SetPriority(ctx, r.ID, r.Priority) })
}

func (c *Config) change(ctx context.Context, r TargetRequest) (any, error) {
	target, err := c.target(&r)
	return c.changed(err, func() error { return c.Group.ChangeMembership(ctx, target) })
}

// changed makes a change, unless there is something wrong with what was asked for or this node does not
// lead, and answers it.
func (c *Config) changed(wrong error, change func() error) (Changed, error) {
	if wrong == nil {
		wrong = c.checkLeads()
	}
	if wrong != nil {
		return Changed{}, wrong
	}
	err := change()
	answer := Changed{Done: Done{State: StateDone}, Membership: c.describe().Membership}
	if errors.Is(err, raft.ErrChangeGoesOn) {
		answer.State = StateUnderWay
	}
	return answer, err
}

func (c *Config) reload(r ReloadRequest) error {
	if r == (ReloadRequest{}) {
		return fmt.Errorf("%w: it is not said what to change", errMalformed)
	}
	if err := c.Reload(r); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

func snapshotted(take func(context.Context) (raft.SnapshotMeta, error)) func(context.Context, NoRequest) (any, error) {
	return func(ctx context.Context, _ NoRequest) (any, error) {
		meta, err := take(ctx)
		return describeSnapshot(&meta), err
	}
}
