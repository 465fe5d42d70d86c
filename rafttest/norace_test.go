// SPDX-License-Identifier: Apache-2.0

//go:build !race

package rafttest_test

// graphStep makes every graph be tested.
const graphStep = 1

// figure16Trials is how often a leader crashes for each range of election time-outs.
const figure16Trials = 100
