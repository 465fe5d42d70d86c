// SPDX-License-Identifier: Apache-2.0

//go:build !race

package rafttest_test

import "github.com/balsa-raft/raft"

// graphStep makes every graph be tested.
const graphStep = 1

// figure16Trials is how often a leader crashes for each range of election time-outs.
const figure16Trials = 100

// restartRounds is how often members are restarted, or crash, in one test.
const restartRounds = 2

// seedShare is by what the numbers of seeds are divided.
const seedShare = 1

// restartSizes are the clusters of which all members are restarted.
var restartSizes = []int{1, 2, 3, 5}

// largestCommand is the largest one that a log on disk is tested with.
const largestCommand = raft.CommandBytesLimit
