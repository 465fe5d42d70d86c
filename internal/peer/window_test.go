// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// naive is a window that remembers every message for ever and counts anew each time.
type naive struct {
	messagesMax, bytesMax int
	sent                  []inflight
	match                 wire.Index
}

func (n *naive) open() (messages, bytes int) {
	for _, m := range n.sent {
		if m.last > n.match {
			messages++
			bytes += m.bytes
		}
	}
	return messages, bytes
}

func (n *naive) hasRoom() bool {
	messages, bytes := n.open()
	return messages == 0 || messages < n.messagesMax && bytes < n.bytesMax
}

func TestWindowAgainstANaiveOne(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := window{messagesMax: 1 + random.IntN(8), bytesMax: 1 + random.IntN(500)}
		n := naive{messagesMax: w.messagesMax, bytesMax: w.bytesMax}
		last := wire.Index(0)
		for step := range 200 {
			switch op := random.IntN(100); {
			case op < 55:
				last += wire.Index(1 + random.IntN(5))
				bytes := 1 + random.IntN(200)
				w.add(last, bytes)
				n.sent = append(n.sent, inflight{last, bytes})
			case op < 97:
				match := wire.Index(random.IntN(int(last) + 1)) // Old news, too.
				w.free(match)
				n.match = max(n.match, match)
			default:
				w.reset()
				n.sent, n.match = nil, 0
				last = wire.Index(random.IntN(int(last) + 1)) // A new stream begins further back.
			}
			messages, bytes := n.open()
			if len(w.inflight) != messages || w.bytes != bytes || w.hasRoom() != n.hasRoom() {
				t.Fatalf("seed %d, step %d: %d messages, %d bytes, room %v; want %d, %d, %v",
					seed, step, len(w.inflight), w.bytes, w.hasRoom(), messages, bytes, n.hasRoom())
			}
		}
		if w.free(last); w.bytes != 0 || len(w.inflight) != 0 {
			t.Fatalf("seed %d: all is acknowledged, but %d bytes in %d messages are not", seed, w.bytes, len(w.inflight))
		}
	}
}

func TestWindowRoom(t *testing.T) {
	tests := []struct {
		name                  string
		messagesMax, bytesMax int
		sent                  []int // bytes
		want                  bool
	}{
		{"empty", 1, 1, nil, true},
		{"one message is all", 1, 100, []int{1}, false},
		{"room for another", 2, 100, []int{1}, true},
		{"messages are used up", 2, 100, []int{1, 1}, false},
		{"bytes are used up", 9, 100, []int{50, 50}, false},
		{"one byte is left", 9, 100, []int{50, 49}, true},
		{"a message larger than the window", 9, 100, []int{1000}, false},
	}
	for _, test := range tests {
		w := window{messagesMax: test.messagesMax, bytesMax: test.bytesMax}
		for i, bytes := range test.sent {
			w.add(wire.Index(i+1), bytes)
		}
		if got := w.hasRoom(); got != test.want {
			t.Errorf("%s: room is %v", test.name, got)
		}
	}
}
