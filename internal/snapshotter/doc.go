// SPDX-License-Identifier: Apache-2.0

// Package snapshotter takes, serves and fetches the snapshots of one group. It is a
// stage of its own: nothing here happens on the group's loop, nor on its applier.
//
// Taking: when the policy says so, or somebody asks, the applier is asked for a capture
// of the state, which is copied into the store, a chunk a step, and published. An error
// is told and tried again later; the node goes on.
//
// Sending is pulling. The leader offers a snapshot (wire.SnapshotOffer), and the member
// that needs it asks for one part after the other (wire.SnapshotFetch), a few at a time;
// each is answered by one wire.SnapshotChunk. So the sender keeps no state that could be
// wrong: it answers what it is asked, and what is lost is asked for again. The receiver
// writes the parts down in order, and what it has written stays when a transfer breaks
// off: the next one of the same snapshot goes on there, after a restart, too, and from
// another node. A transfer may take as long as it likes while it makes progress; when
// it makes none, it is forgotten, and the next offer begins another.
//
// A state machine that keeps its own state durably has nothing to copy: its snapshots are
// External, which means published without data. A member is sent a live capture then,
// which can be read only once, in order.
//
// The store is used by the goroutine that steps, and by the readers. There is no
// clock and no source of chance but those in Config: a simulator that calls Step decides
// everything.
package snapshotter
