// SPDX-License-Identifier: Apache-2.0

//go:build race

package rafttest_test

// graphStep makes one graph of so many be tested: the race detector makes them slow, and
// without it all are tested.
const graphStep = 17

// figure16Trials is how often a leader crashes for each range of election time-outs.
const figure16Trials = 20

// restartRounds is how often members are restarted, or crash, in one test: the second time
// there are no other goroutines than the first time.
const restartRounds = 1

// seedShare is by what the numbers of seeds are divided: no seed has goroutines that others lack.
const seedShare = 3

// restartSizes are the clusters of which all members are restarted: members of larger ones
// share no more memory with each other.
var restartSizes = []int{1, 3}

// largestCommand is the largest one that a log on disk is tested with. One goroutine writes and
// reads it.
const largestCommand = 1 << 20
