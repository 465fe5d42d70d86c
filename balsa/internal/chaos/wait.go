// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"time"
)

// ErrTimeout means that something did not happen in time.
var ErrTimeout = errors.New("chaos: waited in vain")

// lookInterval is how often processes are looked at, which cannot say by themselves
// that something has happened.
const lookInterval = 20 * time.Millisecond

// until waits for a condition of processes. The error wraps ErrTimeout.
func until(timeout time.Duration, what string, condition func() bool) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("%w: %v until %s", ErrTimeout, timeout, what)
		}
	}
	return nil
}

// pass lets some time pass.
func pass(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}
