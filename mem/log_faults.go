// SPDX-License-Identifier: Apache-2.0

package mem

import "time"

// FailSaves makes every Save that has not yet begun to write return an error that
// wraps err, and change nothing. A nil err ends that, which stands for a new disk:
// a node never retries a failed Save.
func (l *Log) FailSaves(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saveErr = err
}

// SetSaveDelay makes every Save sleep that long before it writes. Use it inside a
// testing/synctest bubble, where sleeping takes no time.
func (l *Log) SetSaveDelay(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saveDelay = delay
}

// Stall makes every Save that has not yet begun to write wait for Resume, as a
// disk does that hangs. Reads go on. A node whose log is stalled may not be able
// to close before Resume.
func (l *Log) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled == nil {
		l.stalled = make(chan struct{})
	}
}

// Resume ends a Stall; without one it does nothing.
func (l *Log) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled != nil {
		close(l.stalled)
		l.stalled = nil
	}
}

// waitForDisk returns when neither delay nor stall stands against a write.
func (l *Log) waitForDisk() {
	l.mu.Lock()
	delay := l.saveDelay
	l.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	l.mu.Lock()
	stalled := l.stalled
	l.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}
