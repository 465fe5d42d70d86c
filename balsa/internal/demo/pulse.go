// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"sync"
	"time"
)

// pulse measures how long no client at all had an answer.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

func newPulse() *pulse { return &pulse{} }

// beat notes that some client had a write acknowledged.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
}

// reset forgets the pauses so far.
func (p *pulse) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.longest = 0
}

// pause returns the longest pause since reset.
func (p *pulse) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.longest
}
