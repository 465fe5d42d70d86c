// SPDX-License-Identifier: Apache-2.0

//go:build race

package wal

// thinning is by how much tests of a single goroutine are thinned out: the race
// detector makes them slow and has nothing to find in them. It is prime, so that what is left
// is not always the same part of a block, or the same way to fail.
const thinning = 37
