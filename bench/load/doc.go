// SPDX-License-Identifier: Apache-2.0

// Package load is what all the systems under comparison have in common: the
// closed-loop clients, the replicated state machine, the latency histogram and the
// line of JSON that one measurement ends in.
//
// A peer is a program of its own whose main function calls Main with a way to open
// three replicas. It then runs one cell: it opens the system in an empty folder,
// lets the clients warm it up, measures, stops the clients, waits until the three
// replicas agree, and prints one Result.
//
// The package needs nothing but the standard library, so that it can be linked
// with peers whose dependencies exclude each other.
package load
