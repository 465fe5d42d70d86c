// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// entriesAt is a message of one entry, at an index, in a stream.
func entriesAt(term wire.Term, epoch wire.Epoch, index wire.Index) *wire.AppendEntries {
	return &wire.AppendEntries{
		Term: term, Epoch: epoch, Prev: wire.LogID{Term: term, Index: index - 1},
		Entries: []wire.Entry{{Term: term, Index: index, Kind: wire.EntryCommand, Data: make([]byte, 100)}},
	}
}

// TestWindowBounds is I28 for what is under way to a peer.
func TestWindowBounds(t *testing.T) {
	one := wire.SizeOf(entriesAt(1, 1, 1).Entries)
	for _, test := range []struct {
		name   string
		bounds Bounds
		run    func(c *Windows)
		sees   bool // the last message, which is the third
	}{
		{"too many messages", Bounds{WindowBytes: 1 << 20, WindowMessages: 2}, func(*Windows) {}, true},
		{"too many bytes", Bounds{WindowBytes: 2 * one, WindowMessages: 10}, func(*Windows) {}, true},
		{"as many bytes as may be", Bounds{WindowBytes: 2*one + 1, WindowMessages: 10}, func(*Windows) {}, false},
		{"as many messages as may be", Bounds{WindowBytes: 1 << 20, WindowMessages: 3}, func(*Windows) {}, false},
		{"one is acknowledged", Bounds{WindowBytes: 1 << 20, WindowMessages: 2}, func(c *Windows) {
			c.Acknowledges(1, 2, &wire.AppendReply{Term: 1, Epoch: 1, Match: 1})
		}, false},
		{"one is acknowledged with a heartbeat", Bounds{WindowBytes: 2 * one, WindowMessages: 10}, func(c *Windows) {
			c.Acknowledges(1, 2, &wire.HeartbeatReply{Term: 1, Epoch: 1, Match: 1})
		}, false},
		{"a refusal", Bounds{WindowBytes: 1 << 20, WindowMessages: 2}, func(c *Windows) {
			c.Acknowledges(1, 2, &wire.AppendReply{Term: 1, Epoch: 1, Match: 1, Rejected: true})
		}, true},
		{"what another stream acknowledged", Bounds{WindowBytes: 1 << 20, WindowMessages: 2}, func(c *Windows) {
			c.Acknowledges(1, 2, &wire.AppendReply{Term: 1, Epoch: 2, Match: 2})
			c.Acknowledges(1, 3, &wire.AppendReply{Term: 1, Epoch: 1, Match: 2})
		}, true},
		{"no bounds", Bounds{}, func(*Windows) {}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Windows{bounds: test.bounds}
			for index := wire.Index(1); index <= 2; index++ {
				if v := c.Sends(1, 2, entriesAt(1, 1, index)); v != nil {
					t.Fatal(v)
				}
			}
			test.run(&c)
			v := c.Sends(1, 2, entriesAt(1, 1, 3))
			if (v != nil) != test.sees || v != nil && !strings.HasPrefix(v.Invariant, "I28 ") {
				t.Errorf("%v, want one: %v", v, test.sees)
			}
			if v := c.Sends(1, 2, entriesAt(1, 2, 4)); v != nil {
				t.Errorf("a stream that begins anew has a window of its own: %v", v)
			}
		})
	}
}

// An acknowledgement may cover more than was sent in its stream, and the leader may send
// that before it looks at it: none of it is under way.
func TestWindowAcknowledgedBeforeSent(t *testing.T) {
	c := Windows{bounds: Bounds{WindowBytes: 1 << 20, WindowMessages: 1}}
	for index := wire.Index(1); index <= 4; index++ {
		if v := c.Sends(1, 2, entriesAt(1, 1, index)); v != nil {
			t.Fatal(v)
		}
		c.Acknowledges(1, 2, &wire.AppendReply{Term: 1, Epoch: 1, Match: 3})
	}
	if c.Sends(1, 2, entriesAt(1, 1, 5)) == nil {
		t.Fatal("entry 4 is under way, and no more than one may be")
	}
}

// TestPendingBounds is I28 for what clients wait for.
func TestPendingBounds(t *testing.T) {
	for _, test := range []struct {
		commands, bytes int
		sees            bool
	}{{1, 100, false}, {1, 200, false}, {2, 100, false}, {2, 101, true}} {
		c := New(3)
		c.Limit(Bounds{PendingBytes: 100})
		c.Pending(1, test.commands, test.bytes)
		if sees := c.Violation() != nil; sees != test.sees {
			t.Errorf("%+v: %v", test, c.Violation())
		}
	}
}
