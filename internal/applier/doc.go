// SPDX-License-Identifier: Apache-2.0

// Package applier applies committed entries to the state machine: on a goroutine of
// its own, in batches, strictly in index order, each once, from the recent entries
// in memory where they are there, and from the log store otherwise.
package applier
