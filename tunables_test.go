// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
)

// TestReloadNode: what was given is what there is, and what makes no sense changes nothing.
func TestReloadNode(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		node := c.members[1].node
		if got := node.Tunables(); got != (raft.Tunables{}) {
			t.Errorf("at first: %+v", got)
		}
		for _, rate := range []int{1000, 0, 7} {
			tunables := node.Tunables()
			tunables.SnapshotBytesPerSecond = rate
			if err := node.Reload(tunables); err != nil || node.Tunables().SnapshotBytesPerSecond != rate {
				t.Errorf("to %d: %v, %+v", rate, err, node.Tunables())
			}
		}
		if err := node.Reload(raft.Tunables{SnapshotBytesPerSecond: -1}); err == nil || node.Tunables().SnapshotBytesPerSecond != 7 {
			t.Errorf("to less than nothing: %v, %+v", err, node.Tunables())
		}
	})
}

func TestReloadGroupRefuses(t *testing.T) {
	inBubbleWith(t, 1, func(cfg *raft.GroupConfig) { cfg.CommandBytesMax = 5000 }, func(c *cluster) {
		group := c.members[1].group
		before := group.Tunables()
		want := raft.GroupTunables{PendingBytesMax: 64 << 20, TrailingEntries: 10_000, TrailingBytes: 64 << 20, RetainBytesMax: 1 << 30}
		if before != want {
			t.Errorf("as it was configured: %+v, want the defaults", before)
		}
		err := group.Reload(raft.GroupTunables{PendingBytesMax: 4999, RetainBytesMax: -1})
		if err == nil || !strings.Contains(err.Error(), "PendingBytesMax") || !strings.Contains(err.Error(), "RetainBytesMax") {
			t.Errorf("%v, want both problems", err)
		}
		if got := group.Tunables(); got != before {
			t.Errorf("refused, and changed to %+v", got)
		}
		if err := group.Reload(raft.GroupTunables{TrailingEntries: -1}); err != nil || group.Tunables().TrailingEntries != -1 || group.Tunables().PendingBytesMax != 64<<20 {
			t.Errorf("zero is not the default: %v, %+v", err, group.Tunables())
		}
	})
}

// TestReloadPendingBytes lets those in who wait, and makes others wait.
func TestReloadPendingBytes(t *testing.T) {
	const commandBytes = 1000
	inBubbleWith(t, 1, func(cfg *raft.GroupConfig) { cfg.CommandBytesMax, cfg.PendingBytesMax = commandBytes, 2*commandBytes }, func(c *cluster) {
		c.initialize()
		leader := c.leader()
		command := []byte(strings.Repeat("x", commandBytes))
		leader.log.Stall()
		results := make(chan error)
		const callers = 6
		for range callers {
			go func() {
				_, err := leader.group.Propose(c.t.Context(), command)
				results <- err
			}()
		}
		expect := func(what string, waiting, bytesMax int) {
			t.Helper()
			synctest.Wait()
			if q := leader.group.Status().Queues; q.WaitingCallers != waiting || q.ProposalBytesMax != bytesMax {
				t.Errorf("%s: %+v, want %d waiting callers", what, q, waiting)
			}
		}
		reload := func(bytesMax int) {
			t.Helper()
			tunables := leader.group.Tunables()
			tunables.PendingBytesMax = bytesMax
			if err := leader.group.Reload(tunables); err != nil {
				t.Fatal(err)
			}
		}
		expect("at first", callers-1, 2*commandBytes)
		reload(5 * commandBytes)
		expect("with room for more", callers-4, 5*commandBytes)
		reload(commandBytes)
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
		defer cancel()
		if err := leader.group.ProposeAsync(ctx, command, func(raft.Result, error) {}); !errors.Is(err, raft.ErrTooBusy) {
			t.Errorf("with less room: %v", err)
		}
		expect("with less room", callers-4, commandBytes)
		leader.log.Resume()
		for range callers {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if _, err := leader.group.Propose(c.t.Context(), command); err != nil {
			t.Errorf("a command that is all that fits: %v", err)
		}
	})
}

// TestReloadTrailing: from the next snapshot on, as much of the log is kept as was said last.
func TestReloadTrailing(t *testing.T) {
	inSnapshotBubble(t, 1, func(*raft.GroupConfig) {}, func(c *cluster) {
		m, n := c.leader(), 0
		keptAfter := func() raft.Index {
			for range 50 {
				n++
				c.propose(m, fmt.Sprint("w", n), time.Second)
			}
			meta, err := m.group.Snapshot(c.t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.pass(time.Second)
			return meta.Last.Index + 1 - m.group.Status().FirstIndex
		}
		if kept := keptAfter(); kept < 50 {
			t.Errorf("by default it keeps %d entries", kept)
		}
		for _, entries := range []int{20, -1, 30} {
			if err := m.group.Reload(raft.GroupTunables{TrailingEntries: entries}); err != nil {
				t.Fatal(err)
			}
			if kept := keptAfter(); kept != raft.Index(max(entries, 0)) {
				t.Errorf("it is to keep %d entries, and keeps %d", entries, kept)
			}
		}
	})
}
