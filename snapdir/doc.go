// SPDX-License-Identifier: Apache-2.0

// Package snapdir keeps snapshots as files, those of all groups of a node in one
// folder. Store satisfies the SnapshotStore interface of package raft.
//
// A snapshot is one file. It is written under the name of an unfinished one, synced,
// read back from the disk and verified, and only then given its name, which the folder
// is synced for. So a crash leaves it whole or not at all, and what a log is compacted
// on account of was once on the disk as it should be.
//
// Every byte of a file is covered by a checksum that also covers what it belongs to:
//
//   - The header has the cluster, the node, the group and the description. It is
//     verified by Open, and again when the file is opened to be read.
//   - The data are in blocks, each with a checksum over it, its number, its length and
//     the header. Every read verifies the blocks that it reads.
//   - The footer has the size and the checksum of the data. The file's size must be
//     what header and footer say.
//
// A file that is damaged is never served: it is set aside under another name, with a
// warning to the logger, and List has it no longer. Of each group one such file is
// kept, the latest, for a closer look, until Delete is called for it. An I/O error is not taken for damage: it is
// returned, and the snapshot stays. A file of another node or cluster makes Open fail.
//
// An unfinished snapshot is gone on with after a crash, from the last whole block
// that is intact: the part of a block that has not been filled yet is in memory only.
// While it is written, the file is synced every Options.SyncBytes, so that neither much
// of the page cache is dirty nor the last sync long.
//
// A store takes the memory of one block for each snapshot that is being written, and of
// one for each ReadAt that is going on. It keeps at most four files open for reading.
//
// What it does not promise: that a disk which claims to have synced what it has not
// keeps a snapshot, and, where the system cannot drop what it caches of a file (see
// vfs.File), that what was read back came from the disk.
//
// The files are described in docs/formats-snapshot.md. The way of a snapshot through the
// package is: Begin (begin.go) makes a writer or resumes one (resume.go), writer.write
// (writer.go) makes blocks (format.go), Publish (publish.go) ends the file and verifies
// it, ReadAt (read.go) reads it through one of a few open files (files.go), and aside.go
// takes it away if it is damaged.
package snapdir
