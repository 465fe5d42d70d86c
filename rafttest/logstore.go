// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// LogStore says how to get at an implementation of raft.LogStore. Open is required.
// What the functions cannot do they report with t.Fatal.
type LogStore struct {
	// Open opens a new, empty store. The suite closes it; what else is to be cleaned up
	// is for t.Cleanup.
	Open func(t testing.TB) raft.LogStore
	// Reopen opens anew what a store that was closed has left. If nil, nothing is said
	// about durability.
	Reopen func(t testing.TB, closed raft.LogStore) raft.LogStore
	// Crash opens another store on what a power failure at this moment would leave of
	// one that is in use, which goes on undisturbed. A Save may be running. If
	// nil, nothing is said about crashes.
	Crash func(t testing.TB, store raft.LogStore) raft.LogStore
	// CommandBytesMax is the largest command that is saved. Default
	// raft.CommandBytesLimit, which is what package raft may save.
	CommandBytesMax int

	_ struct{}
}

// TestLogStore tests an implementation of raft.LogStore against its contract, in
// subtests. It takes some seconds of a store that syncs to a real disk. Run it
// with the race detector as well: a part of it reads while a Save runs.
//
// Compaction may be late, to the next Open or for ever: the suite accepts
// every LogState.Compacted between the last reset and the last compaction, but demands
// that the rest of the state agrees with it.
func TestLogStore(t *testing.T, s LogStore) {
	if s.CommandBytesMax == 0 {
		s.CommandBytesMax = raft.CommandBytesLimit
	}
	testDemands(t, &s, logDemands)
}

var logDemands = []demand[*LogStore]{
	{"a new group is empty", logNewGroup},
	{"what is saved is read", logRoundTrip},
	{"entries overwrite", logOverwrite},
	{"the hard state is replaced", logHardState},
	{"memberships and terms follow the entries", logMemberships},
	{"reset", logReset},
	{"compaction", logCompaction},
	{"one save, many updates", logManyUpdates},
	{"groups are apart", logGroups},
	{"bytesMax", logBytesMax},
	{"large entries", logLarge},
	{"missing entries are errors", logMissing},
	{"arguments are the caller's", logArguments},
	{"what was read does not change", logReadsStay},
	{"reads during saves", logConcurrency},
	{"random histories", logRandom},
	{"reopen", logReopen},
	{"crash", logCrash},
	{"crash during saves", logCrashDuringSaves},
}

// logRig is a store under test with what it should hold.
type logRig struct {
	*storeRig[raft.LogStore, logModels]
}

func newLogRig(t testing.TB, s *LogStore) *logRig {
	t.Helper()
	r := &logRig{&storeRig[raft.LogStore, logModels]{
		t: t, store: s.Open(t), models: logModels{}, reopens: s.Reopen, crashes: s.Crash,
	}}
	t.Cleanup(r.close)
	return r
}

func (r *logRig) save(updates ...wire.Update) {
	r.t.Helper()
	if err := r.store.Save(updates); err != nil {
		r.t.Fatalf("save: %v", err)
	}
	r.models.apply(updates)
}

// entriesOf makes commands from an index to another. Their data says which they are.
func entriesOf(term wire.Term, first, last wire.Index) []wire.Entry {
	var entries []wire.Entry
	for i := first; i <= last; i++ {
		entries = append(entries, entryOf(term, i))
	}
	return entries
}

func entryOf(term wire.Term, index wire.Index) wire.Entry {
	return wire.Entry{Index: index, Term: term, Kind: wire.EntryCommand, Data: fmt.Appendf(nil, "command %d of term %d", index, term)}
}

func membershipOf(term wire.Term, index wire.Index, members ...wire.NodeID) wire.Entry {
	var list []wire.Member
	for _, id := range members {
		list = append(list, wire.Member{ID: id, Address: fmt.Sprint("node-", id)})
	}
	membership := wire.NewMembership(list...)
	return wire.Entry{Index: index, Term: term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &membership)}
}
