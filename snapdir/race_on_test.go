// SPDX-License-Identifier: Apache-2.0

//go:build race

package snapdir

// thinning is by how much tests of a single goroutine are thinned out: the race
// detector makes them slow and has nothing to find in them.
const thinning = 8
