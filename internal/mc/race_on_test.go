// SPDX-License-Identifier: Apache-2.0

//go:build race

package mc

// isRace says that the race detector is on: most searches here are by one worker, so that it has nothing to
// find, and makes them slow.
const isRace = true
