// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/mem"
)

type nullMachine struct{}

func (nullMachine) Apply([]Entry) [][]byte { return nil }

func TestGroupConfigDefaults(t *testing.T) {
	got := GroupConfig{ID: 1, StateMachine: nullMachine{}}.withDefaults()
	want := GroupConfig{
		ID: 1, StateMachine: nullMachine{},
		ElectionTimeout: time.Second, HeartbeatInterval: 100 * time.Millisecond, WriteStallTimeout: time.Second,
		CommandBytesMax: 1 << 20, PendingBytesMax: 64 << 20, BatchBytesMax: 1 << 20,
		InflightBytesMax: 16 << 20, InflightMessagesMax: 256, CacheBytes: 32 << 20,
		Snapshots: SnapshotPolicy{
			Entries: 100_000, LogBytes: 256 << 20, Interval: time.Hour,
			TrailingEntries: 10_000, TrailingBytes: 64 << 20, RetainBytesMax: 1 << 30, Keep: 2,
		},
	}
	if got != want {
		t.Errorf("the defaults are %+v, want %+v", got, want)
	}
	if err := got.validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
	slow := GroupConfig{ElectionTimeout: 10 * time.Second}.withDefaults()
	if slow.HeartbeatInterval != time.Second || slow.WriteStallTimeout != 10*time.Second {
		t.Errorf("what follows from the election time-out is %v and %v", slow.HeartbeatInterval, slow.WriteStallTimeout)
	}
	if set := got.withDefaults(); set != got {
		t.Error("what is set is changed")
	}
}

func TestGroupConfigIsValidated(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *GroupConfig)
		want   string // "" if valid
	}{
		{"as it is", func(*GroupConfig) {}, ""},
		{"no ID", func(c *GroupConfig) { c.ID = 0 }, "GroupConfig.ID"},
		{"no state machine", func(c *GroupConfig) { c.StateMachine = nil }, "GroupConfig.StateMachine"},
		{"election time-out", func(c *GroupConfig) { c.ElectionTimeout = -1 }, "ElectionTimeout"},
		{"shortest heartbeats", func(c *GroupConfig) { c.HeartbeatInterval = 1 }, ""},
		{"longest heartbeats", func(c *GroupConfig) { c.HeartbeatInterval = c.ElectionTimeout / 2 }, ""},
		{"too long heartbeats", func(c *GroupConfig) { c.HeartbeatInterval = c.ElectionTimeout/2 + 1 }, "HeartbeatInterval"},
		{"negative heartbeats", func(c *GroupConfig) { c.HeartbeatInterval = -1 }, "HeartbeatInterval"},
		{"stall", func(c *GroupConfig) { c.WriteStallTimeout = -1 }, "WriteStallTimeout"},
		{"largest commands", func(c *GroupConfig) { c.CommandBytesMax = CommandBytesLimit }, ""},
		{"too large commands", func(c *GroupConfig) { c.CommandBytesMax = CommandBytesLimit + 1 }, "CommandBytesMax"},
		{"negative commands", func(c *GroupConfig) { c.CommandBytesMax = -1 }, "CommandBytesMax"},
		{"one pending", func(c *GroupConfig) { c.PendingBytesMax = c.CommandBytesMax }, ""},
		{"less than one pending", func(c *GroupConfig) { c.PendingBytesMax = c.CommandBytesMax - 1 }, "PendingBytesMax"},
		{"batch", func(c *GroupConfig) { c.BatchBytesMax = -1 }, "BatchBytesMax"},
		{"small batch", func(c *GroupConfig) { c.BatchBytesMax = 1 }, ""},
		{"in-flight bytes", func(c *GroupConfig) { c.InflightBytesMax = -1 }, "InflightBytesMax"},
		{"in-flight messages", func(c *GroupConfig) { c.InflightMessagesMax = -1 }, "InflightMessagesMax"},
		{"cache", func(c *GroupConfig) { c.CacheBytes = -1 }, "CacheBytes"},
		{"small cache", func(c *GroupConfig) { c.CacheBytes = 1 }, ""},
	}
	for _, test := range tests {
		c := GroupConfig{ID: 1, StateMachine: nullMachine{}}.withDefaults()
		test.change(&c)
		err := c.validate()
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "raft: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want a word about %s", test.name, err, test.want)
		}
	}
}

func TestAllProblemsAreNamed(t *testing.T) {
	err := GroupConfig{CacheBytes: -1}.withDefaults().validate()
	for _, problem := range []string{"GroupConfig.ID", "GroupConfig.StateMachine", "CacheBytes"} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v does not name %s", err, problem)
		}
	}
}

func TestConfigIsValidated(t *testing.T) {
	whole := Config{ID: 1, Log: mem.NewLog(), Transport: mem.NewNetwork(1).Transport(1)}
	if err := whole.validate(); err != nil {
		t.Errorf("a whole configuration: %v", err)
	}
	if got := whole.withDefaults(); got.Logger != slog.Default() {
		t.Error("there is no default logger")
	}
	_, err := Open(Config{})
	for _, problem := range []string{"Config.ID", "Config.Log", "Config.Transport"} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v does not name %s", err, problem)
		}
	}
}
