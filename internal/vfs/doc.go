// SPDX-License-Identifier: Apache-2.0

// Package vfs is the few file operations that the log and the snapshots of a node
// need, as an interface, so that tests can take the disk's place.
//
// OS is the real thing. Mem is a file system in memory that can lose its power: it
// remembers what was written and not yet synced, sector by sector and directory
// entry by directory entry, and makes the disk as it might be found afterwards.
// Faulty wraps another one and makes chosen operations fail, stall or lie.
//
// The rules of durability are those that POSIX gives and no better: what is
// written to a file is durable when Sync or SyncData of any handle of it returned
// nil, and a name that was created, renamed or removed is so when SyncDir of its
// folder returned nil. Nothing is known about the order in which anything else
// reaches the disk, or whether it does.
package vfs
