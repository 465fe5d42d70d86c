// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/rafttest"
	"github.com/balsa-raft/raft/wire"
)

// sloppyLog keeps to the contract but to its limits: limit says how many bytes of the
// entries that were asked for are read.
type sloppyLog struct {
	*mem.Log
	limit func(bytesMax int) int
	pause func() time.Duration // before a Save
}

func (l *sloppyLog) Entries(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	return l.Log.Entries(group, lo, hi, l.limit(bytesMax))
}

func (l *sloppyLog) Save(updates []wire.Update) error {
	if l.pause != nil {
		<-time.After(l.pause())
	}
	return l.Log.Save(updates)
}

// sloppyTransport refuses some messages, and says of some peers that they are
// unreachable though they aren't.
type sloppyTransport struct {
	*mem.Transport
	calm        *atomic.Bool // no more of that
	mu          sync.Mutex
	random      *rand.Rand
	unreachable func(peer raft.NodeID)
}

func (s *sloppyTransport) Start(deliver func(raft.NodeID, []wire.Envelope), unreachable func(raft.NodeID)) error {
	s.unreachable = unreachable
	return s.Transport.Start(deliver, unreachable)
}

func (s *sloppyTransport) draw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *sloppyTransport) Send(to raft.NodeID, e wire.Envelope) bool {
	switch n := s.draw(40); {
	case s.calm.Load():
	case n == 0:
		return false
	case n == 1:
		time.AfterFunc(time.Millisecond, func() { s.unreachable(to) }) // Send itself must not call back.
	}
	return s.Transport.Send(to, e)
}

// smallCaches makes members read most entries from the log store.
func smallCaches(_ raft.NodeID, cfg *raft.GroupConfig) {
	cfg.CacheBytes, cfg.BatchBytesMax, cfg.InflightMessagesMax = 100, 300, 4
}

func TestSloppyButLegalPlugIns(t *testing.T) {
	sloppy := func(limit func(int) int, pause func() time.Duration) func(raft.NodeID, *mem.Log) raft.LogStore {
		return func(_ raft.NodeID, log *mem.Log) raft.LogStore { return &sloppyLog{log, limit, pause} }
	}
	var calm atomic.Bool
	wolf := func(id raft.NodeID, transport *mem.Transport) raft.Transport {
		return &sloppyTransport{Transport: transport, calm: &calm, random: rand.New(rand.NewPCG(uint64(id), 8))}
	}
	exact := func(bytesMax int) int { return bytesMax }
	bad := mem.Conditions{DelayMax: 30 * time.Millisecond, DropRate: 0.05, DuplicateRate: 0.2, Reorder: true}
	tests := []struct {
		name       string
		options    rafttest.Options
		conditions mem.Conditions
	}{
		{"one entry at a time", rafttest.Options{LogStore: sloppy(func(int) int { return 0 }, nil)}, mem.Conditions{}},
		{"all there are", rafttest.Options{LogStore: sloppy(func(int) int { return 1 << 30 }, nil)}, mem.Conditions{}},
		{"some more", rafttest.Options{LogStore: sloppy(func(bytesMax int) int { return 2*bytesMax + 100 }, nil)}, mem.Conditions{}},
		{"slow disks", rafttest.Options{LogStore: sloppy(exact, func() time.Duration { return 30 * time.Millisecond })}, mem.Conditions{}},
		{"jumpy disks", rafttest.Options{LogStore: sloppy(exact, func() time.Duration { return time.Duration(rand.Int64N(int64(200 * time.Millisecond))) })}, mem.Conditions{}},
		{"a network that does everything wrong", rafttest.Options{LogStore: sloppy(exact, nil)}, bad},
		{"a transport that refuses and cries wolf", rafttest.Options{Transport: wolf}, mem.Conditions{}},
		{"all at once", rafttest.Options{
			LogStore:  sloppy(func(int) int { return 0 }, func() time.Duration { return 10 * time.Millisecond }),
			Transport: wolf,
		}, bad},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.options.Configure = smallCaches
			rafttest.Run(t, test.options, func(t *testing.T, c *rafttest.Cluster) {
				calm.Store(false)
				c.Network().SetConditions(test.conditions)
				load := c.StartLoad(rafttest.LoadOptions{})
				for range restartRounds {
					c.Sleep(3 * time.Second)
					leader := c.Leader()
					c.Crash(leader)
					c.Sleep(3 * time.Second)
					c.Start(leader)
				}
				c.Sleep(3 * time.Second)
				c.Heal()
				calm.Store(true)
				c.Sleep(3 * time.Second)
				load.Stop()
				if commands := verify(c); len(commands) < 50 {
					t.Errorf("hardly anything was applied: %v", commands)
				}
			})
		})
	}
}

// TestReorderingIsNotALostDisk has a network that reorders, which it may, and disks that
// are well. A leader may get the acknowledgement of what it has just been told is not
// there; that is not the sign of a lost disk.
func TestReorderingIsNotALostDisk(t *testing.T) {
	for seed := range uint64(10 / seedShare) {
		var log bytes.Buffer // One write at a time, says slog.
		options := rafttest.Options{Seed: seed + 1, Configure: smallCaches, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
			c.Network().SetConditions(mem.Conditions{DelayMax: 30 * time.Millisecond, Reorder: true})
			load := c.StartLoad(rafttest.LoadOptions{})
			c.Sleep(5 * time.Second)
			load.Stop()
		})
		if strings.Contains(log.String(), "its disk was lost") {
			t.Fatalf("seed %d: a disk is said to be lost", seed+1)
		}
	}
}

// TestErroringDisk has a disk on which a Save fails, for ever: its member stops by itself,
// the others go on, and with a new disk it comes back.
func TestErroringDisk(t *testing.T) {
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprint("of the leader ", leads), func(t *testing.T) {
			rafttest.Run(t, rafttest.Options{}, func(t *testing.T, c *rafttest.Cluster) {
				load := c.StartLoad(rafttest.LoadOptions{})
				c.Sleep(time.Second)
				broken := c.Leader()
				if !leads {
					broken = c.Follower()
				}
				c.Log(broken).FailSaves(rafttest.ErrCrashed)
				<-c.Group(broken).Done()
				if c.Group(broken).Err() == nil {
					t.Error("the member stopped without a reason")
				}
				c.Stop(broken)
				if leader := c.Leader(); leader == broken {
					t.Error("who has stopped leads")
				}
				c.Sleep(3 * time.Second)
				c.Log(broken).FailSaves(nil)
				c.Start(broken)
				c.Sleep(3 * time.Second)
				load.Stop()
				verify(c)
			})
		})
	}
}
