// SPDX-License-Identifier: Apache-2.0

//go:build race

package simcheck

// isRace says whether the race detector is on, which makes everything slow.
const isRace = true
