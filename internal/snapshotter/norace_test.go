// SPDX-License-Identifier: Apache-2.0

//go:build !race

package snapshotter

// scheduleSeeds is how many random schedules there are.
const scheduleSeeds = 120
