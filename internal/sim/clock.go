// SPDX-License-Identifier: Apache-2.0

package sim

import "math"

// clock is a node's monotonic clock, which may run faster or slower than the world's.
type clock struct {
	base int64 // what it showed at the world's time from
	from int64
	ppm  int64 // by how many parts per million it is fast
}

// at returns what the clock shows at a time of the world.
func (c *clock) at(world int64) int64 {
	passed := world - c.from
	if c.ppm == 0 {
		return c.base + passed
	}
	return c.base + passed + passed/million*c.ppm + passed%million*c.ppm/million
}

// worldAt returns the first time of the world, roughly, at which the clock shows a time.
func (c *clock) worldAt(shown int64) int64 {
	if shown == math.MaxInt64 {
		return never
	}
	ahead := shown - c.base
	if c.ppm == 0 && ahead >= 0 {
		return c.from + ahead // As almost always: divisions take long.
	}
	rate := million + c.ppm
	return c.from + ahead/rate*million + (ahead%rate*million+rate-1)/rate
}

// setRate makes the clock run at another rate from now on.
func (c *clock) setRate(world, ppm int64) {
	c.base, c.from, c.ppm = c.at(world), world, ppm
}

const (
	million = 1_000_000
	never   = math.MaxInt64
)
