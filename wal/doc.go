// SPDX-License-Identifier: Apache-2.0

// Package wal is the durable log of a node: one sequence of files, the segments, that
// all its groups share. Log satisfies the LogStore interface of package raft.
//
// A Save is one write and one sync, whatever the number of updates and groups. It goes
// into blocks of a file that were written before, so that the sync has no metadata
// to write. Segments that are not needed any more become the new ones.
//
// Whatever the disk does, the log never returns what was not saved, and never forgets
// silently what was:
//
//   - Every batch, which is what one Save writes, has a checksum over its contents, its
//     place (segment and offset), the folder's incarnation, its sequence number, and the
//     checksum of the batch before. What is stale, misplaced or missing is known as such.
//   - A batch is written only after the one before was synced. So damage is the trace of
//     an interrupted write if and only if no batch follows it; then it is dropped. All
//     other damage makes Open fail, and nothing is changed.
//   - Every read of entries verifies them again.
//   - After a failed write or sync nothing more is written: nobody knows what the disk
//     holds. The next Open finds out, reading from the disk and not from the cache.
//
// What it does not promise: a disk that claims to have synced what it has not can lose
// the end of the log, and the rot of the very last batch cannot be told from an
// interrupted write as long as nothing was written behind it. The next Save does that,
// and Open, and Close, and, when the log is idle, the log itself within two seconds; see
// the comment at mark for why it takes a second write. A folder that was replaced by
// an older copy of itself looks right; the other members of the groups know better.
//
// A segment is disposed of when no group needs an entry in it. A group of which little
// is held, and nothing is saved any more, does not stand in the way: what it has is
// written again further on (forward.go). One that holds more than an eighth of a segment does
// stand in the way until it keeps 32 of them, and one that holds more than half a segment
// until it compacts. That is said to the logger once such a group keeps 64 segments.
//
// The files are described in docs/formats-wal.md. The way of a Save through the
// package is: stage (stage.go) checks it, writeAll (save.go) divides it, encoder
// (encode.go) makes it bytes, commit writes and syncs them, publish tells the readers.
// prove.go proves what is last, forward.go moves what is old, roll.go begins segments,
// spare.go and compact.go prepare and dispose of them, and recovery.go and replay.go
// read everything back.
package wal
