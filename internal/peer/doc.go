// SPDX-License-Identifier: Apache-2.0

// Package peer is the replication stream from a leader to one peer: it turns "the
// peer should have everything up to here" into AppendEntries messages, as many at
// a time as the window allows.
//
// The stream is told by the loop what to do (Follow) and sends what it can at once,
// without waiting, as long as the entries are in memory. For a peer that lags
// behind these, a goroutine of the stream's own reads the log store; the loop
// never does.
package peer
