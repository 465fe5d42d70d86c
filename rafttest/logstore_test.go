// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// brokenLog is a good log store, some of whose methods are replaced.
type brokenLog struct {
	*mem.Log
	crashes atomic.Int64
	save    func(updates []wire.Update) error
	load    func(group raft.GroupID) (wire.LogState, error)
	entries func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error)
}

func (b *brokenLog) Save(updates []wire.Update) error {
	if b.save != nil {
		return b.save(updates)
	}
	return b.Log.Save(updates)
}

func (b *brokenLog) Load(group raft.GroupID) (wire.LogState, error) {
	if b.load != nil {
		return b.load(group)
	}
	return b.Log.Load(group)
}

func (b *brokenLog) Entries(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	if b.entries != nil {
		return b.entries(group, lo, hi, bytesMax)
	}
	return b.Log.Entries(group, lo, hi, bytesMax)
}

// changing makes a Save that changes a copy of the updates before it makes them.
func changing(change func(log *mem.Log, u *wire.Update)) func(*brokenLog) {
	return func(b *brokenLog) {
		b.save = func(updates []wire.Update) error {
			for _, u := range cloneUpdates(updates) {
				change(b.Log, &u)
				if err := b.Log.Save([]wire.Update{u}); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// loading makes a Load whose state is changed.
func loading(change func(state *wire.LogState)) func(*brokenLog) {
	return func(b *brokenLog) {
		b.load = func(group raft.GroupID) (wire.LogState, error) {
			state, err := b.Log.Load(group)
			change(&state)
			return state, err
		}
	}
}

// reading makes an Entries whose answer is changed.
func reading(change func(entries []wire.Entry, err error) ([]wire.Entry, error)) func(*brokenLog) {
	return func(b *brokenLog) {
		b.entries = func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			return change(b.Log.Entries(group, lo, hi, bytesMax))
		}
	}
}

func TestLogStoreFindsPlantedFaults(t *testing.T) {
	for _, fault := range logFaults {
		t.Run(fault.name, func(t *testing.T) {
			suite := LogStore{
				CommandBytesMax: 1 << 20,
				Open: func(testing.TB) raft.LogStore {
					b := &brokenLog{Log: mem.NewLog()}
					fault.plant(b)
					return b
				},
				Reopen: func(_ testing.TB, closed raft.LogStore) raft.LogStore { return closed },
				Crash: func(_ testing.TB, log raft.LogStore) raft.LogStore {
					log.(*brokenLog).crashes.Add(1)
					return log.(*brokenLog).Clone()
				},
			}
			expectFault(t, &suite, logDemands, fault.by, fault.says)
		})
	}
}

// forgetful is a log store that knows what it was before the last Save.
type forgetful struct {
	*mem.Log
	before *mem.Log
}

func (f *forgetful) Save(updates []wire.Update) error {
	f.before = f.Clone()
	return f.Log.Save(updates)
}

// TestLogStoreFindsForgetfulness has stores that lose the last Save when they are opened
// again.
func TestLogStoreFindsForgetfulness(t *testing.T) {
	open := func(testing.TB) raft.LogStore { return &forgetful{mem.NewLog(), mem.NewLog()} }
	forget := func(_ testing.TB, log raft.LogStore) raft.LogStore {
		before := log.(*forgetful).before
		return &forgetful{before, before.Clone()}
	}
	for by, suite := range map[string]LogStore{
		"reopen":           {Open: open, Reopen: forget},
		"random histories": {Open: open, Reopen: forget},
		"crash":            {Open: open, Crash: forget},
	} {
		t.Run(by, func(t *testing.T) {
			expectFault(t, &suite, logDemands, by, "want")
		})
	}
}
