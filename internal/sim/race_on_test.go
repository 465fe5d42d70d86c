// SPDX-License-Identifier: Apache-2.0

//go:build race

package sim

// isRace says that the race detector is on: a run is one goroutine, so it has nothing to
// find but what seeds share, and makes everything slow.
const isRace = true
