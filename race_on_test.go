// SPDX-License-Identifier: Apache-2.0

//go:build race

package raft_test

// isRace says that the race detector is on, which makes everything ten times slower: races show
// on fewer seeds.
const isRace = true
