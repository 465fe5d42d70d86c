// SPDX-License-Identifier: Apache-2.0

// Package wire is the vocabulary that every other package shares: identifiers,
// log entries, the hard state, the membership, one struct for each message that
// nodes exchange, and the hand-written encoding of all of them.
//
// It is a leaf: it imports the standard library only, starts no goroutine and
// keeps no state. Everything in it is plain data; a value may be read from any
// goroutine as long as nobody changes it. Decoding never trusts its input: a
// malformed or absurd message is an error that wraps ErrMalformed, never a
// panic, and never an allocation out of proportion to the input: a few times its size.
//
// The encoding is little-endian with fixed widths. Its bytes are pinned by the
// golden files in testdata; a change to them is a change of the wire format and
// needs a new Version.
package wire
