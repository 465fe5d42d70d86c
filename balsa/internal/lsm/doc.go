// SPDX-License-Identifier: Apache-2.0

// Package lsm is balsa's replicated state machine with its state on disk, in a log-structured
// merge tree (Pebble). Commands mean the same as in package kv, whose Interpreter applies them,
// and snapshots have the same bytes: members with different engines can be mixed.
//
// # What is durable when
//
// Each Apply is one batch, with the LogID of its last command and the clock in it, and is not
// synced: after a crash the state is that behind some earlier Apply, never half of one,
// and LastApplied says which. Sync makes all of it durable.
//
// # The folder
//
// A machine's folder holds a file CURRENT with the name of a sub-folder, which holds a Pebble
// database. Restore builds another database beside it and then replaces CURRENT in one
// rename: a crash leaves the old state or the new one. What CURRENT does not name is
// left over and removed by Open.
//
// # The database
//
// Its keys begin with a letter:
//
//	m                            clock, LogID and number of items: see appendMeta
//	k  position (6 bytes)  key   time of expiry (uvarint), value
//	e  expiry   (8 bytes)  key   nothing: the keys that expire, the earliest first
//
// Numbers are big-endian, so that the order of the bytes is the order of SCAN, which is that
// of a snapshot, or of time.
//
// # Failures
//
// What cannot be read, or is damaged, halts the machine: from then on every command is replied to with
// UNKNOWN, and Sync fails, which stops the group. What cannot be written ends the process, because Pebble
// leaves no choice: see Options.Fatal. That goes for a full disk as well, also if it is Restore or
// WriteDump that fills it.
package lsm
