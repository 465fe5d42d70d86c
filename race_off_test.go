// SPDX-License-Identifier: Apache-2.0

//go:build !race

package raft_test

// isRace says that the race detector is off.
const isRace = false
