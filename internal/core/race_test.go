// SPDX-License-Identifier: Apache-2.0

//go:build race

package core

// slowdown is by how much less there is to try with the race detector, which finds
// nothing in a package without goroutines and takes ten times as long.
const slowdown = 10
