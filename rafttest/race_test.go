// SPDX-License-Identifier: Apache-2.0

//go:build race

package rafttest_test

// graphStep makes one graph of so many be tested: the race detector makes them slow, and
// without it all are tested.
const graphStep = 17

// figure16Trials is how often a leader crashes for each range of election time-outs.
const figure16Trials = 20
