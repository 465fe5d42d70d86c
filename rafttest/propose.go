// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balsa-raft/raft"
)

// Outcome is what somebody who proposed a command was told of it.
type Outcome struct {
	// Client is who proposed: commands of one client are proposed one after another.
	// It is empty for those of the test itself.
	Client string
	// Node is where the command was proposed.
	Node    raft.NodeID
	Command string
	Result  raft.Result
	Err     error
	// Began and Ended are when it was proposed and when the outcome was told.
	Began, Ended time.Time
}

// ErrDown is the outcome of a command for a member that is down. It wraps
// raft.ErrNotApplied.
var ErrDown = fmt.Errorf("%w: the member is down", raft.ErrNotApplied)

// Propose proposes a command on a member, gives it a time, and notes what became of
// it for CheckOutcomes. It may be called from any goroutine of the bubble.
func (c *Cluster) Propose(id raft.NodeID, command string, within time.Duration) (raft.Result, error) {
	return c.propose("", id, command, within)
}

func (c *Cluster) propose(client string, id raft.NodeID, command string, within time.Duration) (raft.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	o := Outcome{Client: client, Node: id, Command: command, Began: time.Now()}
	if group := c.begin(id); group != nil {
		o.Result, o.Err = group.Propose(ctx, []byte(command))
	} else {
		o.Err = ErrDown
	}
	c.note(o)
	return o.Result, o.Err
}

// begin counts a call, and returns the group to make it on, nil if the member is down.
func (c *Cluster) begin(id raft.NodeID) *raft.Group {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return c.member(id).group
}

func (c *Cluster) note(o Outcome) {
	o.Ended = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
	c.outcomes = append(c.outcomes, o)
}

// MustPropose proposes a command on a member; it has to succeed within 10 election
// time-outs.
func (c *Cluster) MustPropose(id raft.NodeID, command string) raft.Result {
	c.t.Helper()
	result, err := c.Propose(id, command, 10*c.options.ElectionTimeout)
	if err != nil {
		c.t.Fatalf("propose %q on member %d: %v", command, id, err)
	}
	return result
}

// MustProposeAll proposes commands on a member without waiting in between, and waits
// until all have succeeded. They come to stand in the order given.
func (c *Cluster) MustProposeAll(id raft.NodeID, commands []string) {
	c.t.Helper()
	errs := make(chan error, len(commands))
	for _, command := range commands {
		o := Outcome{Node: id, Command: command, Began: time.Now()}
		group := c.begin(id)
		if group == nil {
			c.note(Outcome{Node: id, Command: command, Began: o.Began, Err: ErrDown})
			c.t.Fatalf("member %d is down", id)
		}
		done := func(result raft.Result, err error) {
			o.Result, o.Err = result, err
			c.note(o)
			errs <- err
		}
		if err := group.ProposeAsync(c.t.Context(), []byte(command), done); err != nil {
			done(raft.Result{}, err)
		}
	}
	for range commands {
		if err := <-errs; err != nil {
			c.t.Fatalf("propose on member %d: %v", id, err)
		}
	}
}

// Outcomes returns what became of the commands that were proposed through the
// cluster, those of loads included, in the order in which that was told.
func (c *Cluster) Outcomes() []Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.outcomes)
}

// Family says which of raft's families an error of Propose belongs to: "applied" for
// nil, "not applied", "unknown" or "stopped"; and "wrong" for an error that
// belongs to none of them, or to several, which Propose never returns.
func Family(err error) string {
	if err == nil {
		return "applied"
	}
	found := "wrong"
	for _, family := range []struct {
		name  string
		error error
	}{{"not applied", raft.ErrNotApplied}, {"unknown", raft.ErrOutcomeUnknown}, {"stopped", raft.ErrStopped}} {
		if errors.Is(err, family.error) {
			if found != "wrong" {
				return "wrong"
			}
			found = family.name
		}
	}
	return found
}

// Numbered returns n commands, "prefix-1" to "prefix-n".
func Numbered(prefix string, n int) []string {
	commands := make([]string, n)
	for i := range commands {
		commands[i] = fmt.Sprint(prefix, "-", i+1)
	}
	return commands
}
