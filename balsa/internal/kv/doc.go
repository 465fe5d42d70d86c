// SPDX-License-Identifier: Apache-2.0

// Package kv is balsa's replicated state machine: strings with an optional time
// of expiry, by key.
//
// A Command says one change or one read in a compact binary form of its own, and
// Machine applies commands in the order of the log. The machine never looks at a
// clock: every command carries the wall clock of the node that proposed it, and
// the machine's own clock is the highest it has seen, so it never runs backwards
// and is the same on every member. An expired key is absent for every command from
// that moment on; its memory is given back a bounded number of keys per command.
//
// The results of commands are replies in the Redis protocol, ready to be written.
// Reads are commands too: a GET that went through the log is linearizable.
package kv
