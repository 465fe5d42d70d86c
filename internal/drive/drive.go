// SPDX-License-Identifier: Apache-2.0

package drive

// Driver is what a node that is driven by hand is given, and fills with its stages. It
// must be used by one goroutine.
type Driver struct {
	// Now returns the time on the node's clock in nanoseconds. It never runs backwards.
	Now func() int64
	// Random returns random bits, for what production draws from the system.
	Random func() uint64
	// Stages are those of the node; starting groups and meeting peers adds to them.
	Stages []Stage
}

// Stage is a goroutine's part of a node.
type Stage struct {
	// Name says what it does, and of which group and peer.
	Name string
	// Step does one bounded piece of work, if there is any, and reports whether there
	// is more. It is harmless when there is none.
	Step func() (more bool)
	// Wake is the channel that wakes the stage's goroutine in production: when something
	// comes in, it is time for a step. A stage that nothing has woken, and whose deadline
	// has not come, takes none, so that a wake-up that is missing is seen.
	Wake <-chan struct{}
	// Deadline returns when Step has something to do even if nothing happens, in Now's
	// time; nil if there is no such time.
	Deadline func() int64
}

// Add adds a stage.
func (d *Driver) Add(stage Stage) { d.Stages = append(d.Stages, stage) }
