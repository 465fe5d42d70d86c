// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/balsa-raft/raft"
)

// Bounds of a command.
const (
	// bodyBytesMax is what its JSON may have: members, of whom there are 256 at most.
	bodyBytesMax = 1 << 20
	// timeoutDefault is how long it is waited for, unless the request says otherwise, timeoutMax how long
	// at most. A snapshot is always given as long as it may take.
	timeoutDefault = 30 * time.Second
	timeoutMax     = longTimeout
	// answerTimeout is how long it may take to write the answer to a command.
	answerTimeout = 10 * time.Second
)

// What the commands are sent. The names in JSON are part of balsa's interface.
type (
	// NoRequest is of the commands that need to be told nothing.
	NoRequest struct{}
	// InitializeRequest is that of initialize.
	InitializeRequest struct {
		Members []Member `json:"members"`
	}
	// NodeRequest names a node: for promote, demote and remove; and for transfer-leader, where
	// zero leaves the choice to the leader.
	NodeRequest struct {
		ID raft.NodeID `json:"id"`
	}
	// ReplaceRequest is that of replace.
	ReplaceRequest struct {
		ID raft.NodeID `json:"id"`
		By Member      `json:"by"`
	}
	// TargetRequest is that of change. Members that the group has may be named without their
	// addresses.
	TargetRequest struct {
		Voters   []Member `json:"voters"`
		Learners []Member `json:"learners"`
		// IfIndex makes it conditional: see the index of /members. Zero means no condition.
		IfIndex raft.Index `json:"if_index"`
		Force   bool       `json:"force"`
	}
	// ReloadRequest is that of reload. What is absent stays as it is.
	ReloadRequest struct {
		LogLevel     *string `json:"log_level,omitempty"`
		SnapshotRate *int    `json:"snapshot_rate,omitempty"`
	}
)

// Done is what a command answers that has nothing more to say.
type Done struct {
	// State is "done", or "under_way" if a change of the membership goes on without anybody
	// waiting for it.
	State string `json:"state"`
}

// Changed is what a change of the membership answers.
type Changed struct {
	Done
	Membership Membership `json:"membership"`
}

// HandedOver is what transfer-leader and step-down answer.
type HandedOver struct {
	Done
	// Leader is who leads now, zero if this node does not know yet.
	Leader raft.NodeID `json:"leader"`
	Term   raft.Term   `json:"term"`
	// Milliseconds is how long it took until this node knew the next leader. Commands of
	// clients waited meanwhile.
	Milliseconds float64 `json:"milliseconds"`
}

// The states of Done.
const (
	StateDone     = "done"
	StateUnderWay = "under_way"
)

// handleCommands serves the commands that change something.
func (c *Config) handleCommands(mux *http.ServeMux) {
	g := c.Group
	change := func(do func(context.Context, NodeRequest) error) func(context.Context, NodeRequest) (any, error) {
		return func(ctx context.Context, r NodeRequest) (any, error) { return c.changed(do(ctx, r)) }
	}
	member := func(do func(context.Context, raft.Member) error) func(context.Context, Member) (any, error) {
		return func(ctx context.Context, m Member) (any, error) {
			return c.changed(checked(ctx, m, do))
		}
	}
	simple := func(do func(context.Context) error) func(context.Context, NoRequest) (any, error) {
		return func(ctx context.Context, _ NoRequest) (any, error) { return Done{State: StateDone}, do(ctx) }
	}
	handle(c, mux, "initialize", timeoutDefault, c.initialize)
	handle(c, mux, "change", timeoutDefault, c.change)
	handle(c, mux, "add-learner", timeoutDefault, member(g.AddLearner))
	handle(c, mux, "add-voter", timeoutDefault, member(g.AddVoter))
	handle(c, mux, "promote", timeoutDefault, change(func(ctx context.Context, r NodeRequest) error { return g.Promote(ctx, r.ID) }))
	handle(c, mux, "demote", timeoutDefault, change(func(ctx context.Context, r NodeRequest) error { return g.Demote(ctx, r.ID) }))
	handle(c, mux, "remove", timeoutDefault, change(func(ctx context.Context, r NodeRequest) error { return g.Remove(ctx, r.ID) }))
	handle(c, mux, "replace", timeoutDefault, c.replace)
	handle(c, mux, "update-address", timeoutDefault, member(func(ctx context.Context, m raft.Member) error { return g.UpdateAddress(ctx, m.ID, m.Address) }))
	handle(c, mux, "transfer-leader", timeoutDefault, c.transfer)
	handle(c, mux, "step-down", timeoutDefault, func(ctx context.Context, _ NoRequest) (any, error) { return c.transfer(ctx, NodeRequest{}) })
	handle(c, mux, "drain", timeoutDefault, simple(g.Drain))
	handle(c, mux, "undrain", timeoutDefault, simple(g.Undrain))
	handle(c, mux, "trigger-election", timeoutDefault, simple(g.Campaign))
	handle(c, mux, "snapshot", timeoutMax, snapshotted(g.Snapshot))
	handle(c, mux, "compact", timeoutMax, snapshotted(g.Compact))
	handle(c, mux, "reload", timeoutDefault, func(_ context.Context, r ReloadRequest) (any, error) { return Done{State: StateDone}, c.reload(r) })
	handle(c, mux, "shutdown", timeoutDefault, simple(func(context.Context) error { c.Shutdown(); return nil }))
}

// handle serves a command of a name: its request is read, and its answer written. Patience is for
// how long it is waited for unless the request says otherwise.
func handle[Request any](c *Config, mux *http.ServeMux, name string, patience time.Duration, do func(context.Context, Request) (any, error)) {
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
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

func timeoutOf(r *http.Request, patience time.Duration) (time.Duration, error) {
	text := r.URL.Query().Get("timeout")
	if text == "" {
		return patience, nil
	}
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 || timeout > timeoutMax {
		return 0, fmt.Errorf("%w: timeout %.40q is not a time such as 30s, up to %v", errMalformed, text, timeoutMax)
	}
	return timeout, nil
}

// readRequest reads the JSON of a request. Nothing at all is the zero request.
func readRequest(w http.ResponseWriter, r *http.Request, request any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(request)
	if err == nil && decoder.More() {
		err = errors.New("there is more behind it")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

func (c *Config) initialize(ctx context.Context, r InitializeRequest) (any, error) {
	members := make([]raft.Member, 0, len(r.Members))
	for _, m := range r.Members {
		if m.Address == "" {
			return nil, fmt.Errorf("%w: member %d has no address", errMalformed, m.ID)
		}
		members = append(members, raft.Member{ID: m.ID, Address: m.Address})
	}
	err := c.Group.Initialize(ctx, members...)
	return Changed{Done: Done{State: StateDone}, Membership: c.describe().Membership}, err
}

func (c *Config) replace(ctx context.Context, r ReplaceRequest) (any, error) {
	return c.changed(checked(ctx, r.By, func(ctx context.Context, by raft.Member) error { return c.Group.Replace(ctx, r.ID, by) }))
}

// checked wants an address of a member that is to be.
func checked(ctx context.Context, m Member, do func(context.Context, raft.Member) error) error {
	if m.ID == 0 || m.Address == "" {
		return fmt.Errorf("%w: a member needs an id, from 1 on, and an address", errMalformed)
	}
	return do(ctx, raft.Member{ID: m.ID, Address: m.Address})
}

func (c *Config) change(ctx context.Context, r TargetRequest) (any, error) {
	target, err := c.target(&r)
	if err != nil {
		return nil, err
	}
	return c.changed(c.Group.ChangeMembership(ctx, target))
}

// changed is the answer to a change.
func (c *Config) changed(err error) (Changed, error) {
	answer := Changed{Done: Done{State: StateDone}, Membership: c.describe().Membership}
	if errors.Is(err, raft.ErrChangeGoesOn) {
		answer.State = StateUnderWay
	}
	return answer, err
}

func (c *Config) transfer(ctx context.Context, r NodeRequest) (any, error) {
	status := c.Status()
	if status.Role != raft.RoleLeader {
		return nil, notLeader(&status)
	}
	begun := time.Now()
	if err := c.Group.TransferLeadership(ctx, r.ID); err != nil {
		return nil, err
	}
	status = c.awaitLeader(ctx, &status)
	return HandedOver{
		Done: Done{State: StateDone}, Leader: status.Leader, Term: status.Term,
		Milliseconds: milliseconds(time.Since(begun)),
	}, nil
}

// lookInterval is how often awaitLeader looks.
const lookInterval = 2 * time.Millisecond

// awaitLeader waits until this node knows a leader of a later term than it did, for an election
// time-out at most.
func (c *Config) awaitLeader(ctx context.Context, before *raft.Status) raft.Status {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, before.ElectionTimeout)
	defer cancel()
	for {
		status := c.Status()
		if status.Leader != 0 && status.Term > before.Term {
			return status
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return status
		}
	}
}

func (c *Config) reload(r ReloadRequest) error {
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
