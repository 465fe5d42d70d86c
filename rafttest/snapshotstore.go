// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"testing"

	"github.com/balsa-raft/raft"
)

// SnapshotStore says how to get at an implementation of raft.SnapshotStore. Open is
// required. What the functions cannot do they report with t.Fatal.
type SnapshotStore struct {
	// Open opens a new, empty store. The suite closes it; what else is to be cleaned up
	// is for t.Cleanup.
	Open func(t testing.TB) raft.SnapshotStore
	// Reopen opens anew what a store that was closed has left. If nil, nothing is said
	// about durability.
	Reopen func(t testing.TB, closed raft.SnapshotStore) raft.SnapshotStore
	// Crash opens another store on what a power failure at this moment would leave of
	// one that is in use, which goes on undisturbed. Any method of it may be running. If
	// nil, nothing is said about crashes.
	Crash func(t testing.TB, store raft.SnapshotStore) raft.SnapshotStore
	// Damage changes the byte at offset of a published snapshot's data in the place where
	// they are kept, behind the back of the store, which is open and not being used. If
	// nil, nothing is said about damage.
	Damage func(t testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID, offset uint64)
	// Keeps reports whether anything is kept of a published snapshot, damaged or not, in the place
	// where snapshots are. If nil, nothing is said about what Delete leaves of a damaged one.
	Keeps func(t testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID) bool
	// FailReads makes all reads of published data fail, as those of a disk do that is out of order for a while,
	// until it is called again with false. If nil, nothing is said about that.
	FailReads func(t testing.TB, store raft.SnapshotStore, fail bool)

	_ struct{}
}

// TestSnapshotStore tests an implementation of raft.SnapshotStore against its contract,
// in subtests. It takes some seconds of a store that syncs to a real disk. Run it with
// the race detector as well: a part of it reads while others write.
//
// Of an unfinished snapshot a store may have lost whatever it likes when it is opened
// again. While it is open, it must go on with one, though not with the last megabyte.
func TestSnapshotStore(t *testing.T, s SnapshotStore) {
	testDemands(t, &s, snapDemands)
}

var snapDemands = []demand[*SnapshotStore]{
	{"a new group is empty", snapNewGroup},
	{"what is published is read", snapRoundTrip},
	{"nobody sees it before", snapInvisible},
	{"size and checksum", snapSizes},
	{"a wrong end", snapWrongEnd},
	{"external snapshots", snapExternal},
	{"writes go on at the end", snapOffsets},
	{"begin goes on", snapResume},
	{"one unfinished snapshot at most", snapOneUnfinished},
	{"abandon", snapAbandon},
	{"the newest comes first", snapOrder},
	{"delete", snapDelete},
	{"groups are apart", snapGroups},
	{"what is published does not change", snapStays},
	{"arguments are the caller's", snapArguments},
	{"large snapshots", snapLarge},
	{"reads beside writes", snapConcurrency},
	{"damage", snapDamage},
	{"damaged, opened, deleted", snapDamageFoundByOpen},
	{"a failed read is no damage", snapFailedReads},
	{"random histories", snapRandom},
	{"reopen", snapReopen},
	{"crash", snapCrash},
	{"crash at any moment", snapCrashAnywhere},
}

// snapRig is a store under test with what it should hold.
type snapRig struct {
	*storeRig[raft.SnapshotStore, snapModels]
	suite *SnapshotStore
}

func newSnapRig(t testing.TB, s *SnapshotStore) *snapRig {
	t.Helper()
	r := &snapRig{&storeRig[raft.SnapshotStore, snapModels]{
		t: t, store: s.Open(t), models: snapModels{}, reopens: s.Reopen, crashes: s.Crash,
	}, s}
	t.Cleanup(r.close)
	return r
}

// begin begins a snapshot, or goes on with one, from as many bytes as the store has.
func (r *snapRig) begin(group raft.GroupID, meta raft.SnapshotMeta) (held int) {
	r.t.Helper()
	n, err := r.store.Begin(group, meta)
	r.must(err)
	if held, err = r.models.group(group).begin(meta, n); err != nil {
		r.t.Fatal(err)
	}
	return held
}

// write appends to the unfinished snapshot of a group, in pieces of so many bytes.
func (r *snapRig) write(group raft.GroupID, data []byte, piece int) {
	r.t.Helper()
	u := r.models.group(group).unfinished
	for len(data) > 0 {
		n := min(piece, len(data))
		r.must(r.store.Write(group, u.meta.ID, uint64(len(u.data)), data[:n]))
		u.data, data = append(u.data, data[:n]...), data[n:]
	}
}

// publish ends the unfinished snapshot of a group.
func (r *snapRig) publish(group raft.GroupID) {
	r.t.Helper()
	u := r.models.group(group).unfinished
	r.must(r.store.Publish(group, u.meta.ID, uint64(len(u.data)), checksum(u.data)))
	r.models.group(group).publish()
}

// take makes a snapshot from beginning to end, or from wherever the store has it.
func (r *snapRig) take(group raft.GroupID, meta raft.SnapshotMeta, data []byte, piece int) {
	r.t.Helper()
	held := r.begin(group, meta)
	r.write(group, data[held:], piece)
	r.publish(group)
}

// refuse checks that a call was an error.
func (r *snapRig) refuse(what string, err error) {
	r.t.Helper()
	if err == nil {
		r.t.Fatalf("%s is no error", what)
	}
}
