// SPDX-License-Identifier: Apache-2.0

// Package invariant stops the program when its own assumptions turn out to be wrong.
//
// Check is always on: it guards what must never happen, whatever arrives from the
// network or the disk, so a violation is a bug of this module and never an error
// to be returned. CheckExpensive guards what takes more than a few instructions to
// find out; it runs only when the program is built with the tag "invariants".
//
// A violation is a panic whose value is a *Violation. It is the only panic of this
// module. Any goroutine may call these functions; they keep no state.
package invariant
