// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

func TestAPipelineIsOneBatchWithRepliesInOrder(t *testing.T) {
	g := newFakeGroup()
	c := dial(t, start(t, g, nil))
	c.Queue("set", "a", "1")
	c.Queue("ping")
	c.Queue("incr", "a")
	c.Queue("get")
	c.Queue("get", "a")
	flush(t, c)
	want := []string{"+OK", "+PONG", ":2", "-ERR wrong number of arguments for 'get' command", "2"}
	for i := range want {
		if got := receive(t, c); got != want[i] {
			t.Errorf("reply %d is %q, want %q", i, got, want[i])
		}
	}
	if want := []int{3}; !slices.Equal(g.batches, want) {
		t.Errorf("proposed in batches of %v, want %v", g.batches, want)
	}
}

func TestALongPipelineIsSeveralBatches(t *testing.T) {
	g := newFakeGroup()
	c := dial(t, start(t, g, nil))
	const commands = 3*batchCommandsMax + 7
	go func() {
		for range commands {
			c.Queue("incr", "a")
		}
		_ = c.Flush() // The replies tell whether it worked.
	}()
	for i := range commands {
		if got, want := receive(t, c), fmt.Sprint(":", i+1); got != want {
			t.Fatalf("reply %d is %q, want %q", i, got, want)
		}
	}
	if most := slices.Max(g.batches); most > batchCommandsMax {
		t.Errorf("a batch of %d commands, want at most %d", most, batchCommandsMax)
	}
}

func TestLargeRepliesInAPipeline(t *testing.T) {
	g := newFakeGroup()
	c := dial(t, start(t, g, nil))
	value := strings.Repeat("v", 300_000)
	do(t, c, "set", "a", value)
	const reads = batchReplyBytesMax/kv.ValueBytesMax + 10
	for range reads {
		c.Queue("get", "a")
	}
	flush(t, c)
	for i := range reads {
		if got := receive(t, c); got != value {
			t.Fatalf("reply %d has %d bytes, want %d", i, len(got), len(value))
		}
	}
	if most := slices.Max(g.batches); most > batchReplyBytesMax/kv.ValueBytesMax {
		t.Errorf("%d large values in one batch", most)
	}
}

func TestFailuresSayWhatBecameOfTheCommand(t *testing.T) {
	unknown := &raft.UnknownOutcomeError{LogID: raft.LogID{Term: 3, Index: 17}, Cause: context.DeadlineExceeded}
	tests := []struct {
		failure error
		want    string
	}{
		{raft.ErrNoLeader, "-TRYAGAIN not applied: no leader"},
		{errors.Join(raft.ErrTooBusy, context.DeadlineExceeded), "-TRYAGAIN not applied: too busy: context deadline exceeded"},
		{raft.ErrOverwritten, "-TRYAGAIN not applied: overwritten after a change of leader"},
		{raft.ErrTooLarge, "-ERR command too large"},
		{raft.ErrStopped, "-CLUSTERDOWN node is stopping, the command was not applied"},
		{unknown, "-UNKNOWN outcome unknown: entry t3/i17: context deadline exceeded"},
		{errors.New("something else"), "-UNKNOWN something else"},
	}
	for _, test := range tests {
		g := newFakeGroup()
		g.failure, g.failAfter = test.failure, 1
		c := dial(t, start(t, g, nil))
		c.Queue("set", "a", "1")
		c.Queue("ping")
		c.Queue("set", "a", "2")
		c.Queue("set", "a", "3")
		flush(t, c)
		for i, want := range []string{"+OK", "+PONG", test.want, test.want} {
			if got := receive(t, c); got != want {
				t.Errorf("%v: reply %d is %q, want %q", test.failure, i, got, want)
			}
		}
	}
}

func TestRequestsTimeOut(t *testing.T) {
	g := newFakeGroup()
	g.entered, g.proceed = make(chan struct{}, 1), make(chan struct{})
	c := dial(t, start(t, g, func(cfg *Config) { cfg.RequestTimeout = time.Millisecond }))
	if got, want := do(t, c, "set", "a", "1"), "-UNKNOWN outcome unknown: context deadline exceeded"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLocalCommands(t *testing.T) {
	c := dial(t, start(t, newFakeGroup(), func(cfg *Config) { cfg.Keys = func() int { return 3 } }))
	count := fmt.Sprint(":", len(command.Specs))
	tests := []struct{ line, want string }{
		{"ping", "+PONG"},
		{"PING hello", "hello"},
		{"ping a b", "-ERR wrong number of arguments for 'ping' command"},
		{"echo hi", "hi"},
		{"echo", "-ERR wrong number of arguments for 'echo' command"},
		{"select 0", "+OK"},
		{"select 1", "-ERR DB index is out of range"},
		{"select x", "-ERR value is not an integer or out of range"},
		{"hello 3", "-NOPROTO unsupported protocol version"},
		{"hello 2 setname me", "[server redis version 7.4.0 proto :2 id :1 mode standalone role master modules []]"},
		{"client getname", "me"},
		{"hello 2 auth a b", "-ERR Syntax error in HELLO option 'auth'"},
		{"client setname you", "+OK"},
		{"client getname", "you"},
		{"client setname \x01", "-ERR Client names cannot contain spaces, newlines or special characters."},
		{"client id", ":1"},
		{"client setinfo lib-name x", "+OK"},
		{"client no-evict on", "+OK"},
		{"client", "-ERR wrong number of arguments for 'client' command"},
		{"client kill x", "-ERR unknown subcommand 'kill'. Try CLIENT HELP."},
		{"command count", count},
		{"command docs", "[]"},
		{"command info get nothing", "[[get :2 [+readonly] :1 :1 :1] (nil)]"},
		{"command getkeys get a", "-ERR unknown subcommand 'getkeys'. Try COMMAND HELP."},
		{"config get save", "[save ]"},
		{"config get append*", "[appendfsync always appendonly yes]"},
		{"config get none", "[]"},
		{"config set save x", "-ERR unknown subcommand 'set'. Try CONFIG HELP."},
		{"info raft", "# Raft\r\nnode:1\r\nrole:leader\r\nterm:3\r\nleader:1\r\ncommit_index:0\r\napplied_index:0\r\n"},
		{"info keyspace", "# Keyspace\r\ndb0:keys=3,expires=0,avg_ttl=0\r\n"},
		{"nonsense", "-ERR unknown command 'nonsense', with args beginning with: "},
	}
	for _, test := range tests {
		if got := do(t, c, strings.Fields(test.line)...); got != test.want {
			t.Errorf("%s\n got %q\nwant %q", test.line, got, test.want)
		}
	}
	if got := do(t, c, "client", "list"); !strings.Contains(got, "name=you") || strings.Count(got, "\n") != 1 {
		t.Errorf("client list: %q", got)
	}
	if got := do(t, c, "info"); !strings.Contains(got, "connected_clients:1\r\n") || !strings.Contains(got, "balsa_version:test") {
		t.Errorf("info: %q", got)
	}
	if got := do(t, c, "command"); strings.Count(got, "[+") != len(command.Specs) {
		t.Errorf("command: %q", got)
	}
}

func TestQuitAnswersAndDisconnects(t *testing.T) {
	c := dial(t, start(t, newFakeGroup(), nil))
	c.Queue("set", "a", "1")
	c.Queue("quit")
	c.Queue("get", "a")
	flush(t, c)
	if got := receive(t, c) + receive(t, c); got != "+OK+OK" {
		t.Errorf("got %q", got)
	}
	if reply, err := c.Receive(); err == nil {
		t.Errorf("got %q after QUIT", reply)
	}
}
