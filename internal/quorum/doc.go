// SPDX-License-Identifier: Apache-2.0

// Package quorum is the one place that counts majorities: votes, the commit index,
// confirmed reads and the leader's own right to lead all go through Config.Reached.
//
// A quorum is a majority of the voters; while a change of membership is under way
// it is a majority of the new voters and a majority of the old ones (§6). The
// package is pure: it keeps no state, and its functions may be called from any
// goroutine as long as nobody changes the lists of voters.
package quorum
