// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/client"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// testTimeout bounds each wait of a test for something that happens at once.
const testTimeout = 10 * time.Second

// fakeGroup applies what is proposed to a state machine, or fails as it is told.
type fakeGroup struct {
	mu      sync.Mutex
	machine *kv.Machine
	index   raft.Index
	// batches are the numbers of commands of each call.
	batches []int
	// failAfter, if failure is set, is how many commands of a call are applied.
	failAfter int
	failure   error
	// entered, if set, gets a value at each call, which then waits for proceed.
	entered, proceed chan struct{}
}

func newFakeGroup() *fakeGroup { return &fakeGroup{machine: kv.NewMachine()} }

func (g *fakeGroup) ProposeBatch(ctx context.Context, commands [][]byte) ([]raft.Result, error) {
	if g.entered != nil {
		g.entered <- struct{}{}
		select {
		case <-g.proceed:
		case <-ctx.Done():
			return nil, &raft.UnknownOutcomeError{Cause: context.Cause(ctx)}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batches = append(g.batches, len(commands))
	if g.failure != nil {
		commands = commands[:g.failAfter]
	}
	var results []raft.Result
	for _, command := range commands {
		g.index++
		values := g.machine.Apply([]raft.Entry{{Index: g.index, Data: command}})
		results = append(results, raft.Result{LogID: raft.LogID{Term: 1, Index: g.index}, Value: values[0]})
	}
	return results, g.failure
}

func (g *fakeGroup) Status() raft.Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	return raft.Status{ID: 1, Role: raft.RoleLeader, Term: 3, Leader: 1, CommitIndex: g.index, AppliedIndex: g.index}
}

// start serves the group on loopback until the test ends.
func start(t *testing.T, group Group, adjust func(*Config)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Group: group, Version: "test", Logger: slog.New(slog.DiscardHandler)}
	if adjust != nil {
		adjust(&cfg)
	}
	s := Start(ln, cfg)
	t.Cleanup(func() {
		select {
		case <-s.served:
		default:
			s.Kill()
		}
	})
	return s
}

func dial(t *testing.T, s *Server) *client.Client {
	t.Helper()
	c, err := client.Dial(s.Addr().String(), testTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func do(t *testing.T, c *client.Client, args ...string) string {
	t.Helper()
	reply, err := c.Do(args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return reply.String()
}

func receive(t *testing.T, c *client.Client) string {
	t.Helper()
	reply, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return reply.String()
}

func flush(t *testing.T, c *client.Client) {
	t.Helper()
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}
