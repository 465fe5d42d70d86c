// SPDX-License-Identifier: Apache-2.0

//go:build race

package snapshotter

// scheduleSeeds is how many random schedules there are, as few as in short tests: the race
// detector makes them slow, and no seed has goroutines that others lack.
const scheduleSeeds = 40
