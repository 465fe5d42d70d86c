// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"math"
	"sync/atomic"
	"time"
)

// dutyFactor is how many times the duration of the last snapshot must have passed since
// its end before the policy begins another one: taking snapshots takes at most a
// quarter of the time, whatever the policy says.
const dutyFactor = 3

// How long to wait after something failed: it doubles from one failure to the next.
const (
	backoffMin = int64(time.Second)
	backoffMax = int64(time.Minute)
)

// stretchUnits divides the range in which a threshold is stretched at random, so that
// members do not take snapshots all at once: by up to a quarter.
const stretchUnits = 1024

// Policy says when a snapshot is taken without being asked for: as soon as one of the
// conditions holds. One that is zero or negative never does. Each is stretched by a
// random factor in [1, 1.25), which is drawn anew for each snapshot.
type Policy struct {
	// Entries were applied since the last snapshot.
	Entries int
	// LogBytes were applied since the last snapshot.
	LogBytes int64
	// Interval is how much time has passed, in nanoseconds; it only counts if
	// something was applied since the last snapshot.
	Interval int64
	// Keep is how many snapshots are kept, at least one.
	Keep int
}

// totals count what was applied since the start of the process.
type totals struct{ entries, bytes int64 }

// meter measures what is applied, cheaply: the applier adds, and wakes the snapshotter
// only when a mark is passed. The marks are a hint: whoever moves them looks at the
// totals afterwards.
type meter struct {
	entries, bytes         atomic.Int64
	entriesMark, bytesMark atomic.Int64
}

func (m *meter) totals() totals { return totals{m.entries.Load(), m.bytes.Load()} }

// Applied says that entries of so many bytes were applied. It is called by the applier's
// goroutine after each batch, and costs next to nothing.
func (s *Snapshotter) Applied(entries int, bytes int64) {
	m := &s.meter
	isPast := passes(&m.entries, &m.entriesMark, int64(entries))
	if passes(&m.bytes, &m.bytesMark, bytes) || isPast {
		s.wakeUp()
	}
}

// passes adds to a total and reports whether it has passed its mark by that.
func passes(total, mark *atomic.Int64, n int64) bool {
	now, at := total.Add(n), mark.Load()
	return now >= at && now-n < at
}

// policyState is what the policy is judged by.
type policyState struct {
	base      totals // what the last snapshot covers
	at        int64  // when it was published
	stretch   int64  // drawn for the next one, in stretchUnits of a quarter
	notBefore int64  // by dutyFactor
}

// rearm begins to count towards the next snapshot.
func (s *Snapshotter) rearm(base totals) {
	s.policy.base = base
	s.policy.at = s.cfg.Now()
	s.policy.stretch = int64(s.cfg.Random() % stretchUnits)
	s.watch()
}

// stretched stretches a threshold.
func (p *policyState) stretched(threshold int64) int64 {
	const whole = 4 * stretchUnits
	more := threshold/whole*p.stretch + threshold%whole*p.stretch/whole
	if threshold > math.MaxInt64-more {
		return never
	}
	return threshold + more
}

// after returns base+threshold, or never for a condition that is off.
func (p *policyState) after(base, threshold int64) int64 {
	if threshold <= 0 {
		return never
	}
	if threshold = p.stretched(threshold); threshold > math.MaxInt64-base {
		return never
	}
	return base + threshold
}

// watch sets the marks that wake the snapshotter.
func (s *Snapshotter) watch() {
	p := &s.policy
	entries := p.after(p.base.entries, int64(s.cfg.Policy.Entries))
	if s.cfg.Policy.Interval > 0 && s.meter.entries.Load() == p.base.entries {
		entries = p.base.entries + 1 // The first one makes the interval count.
	}
	s.meter.entriesMark.Store(entries)
	s.meter.bytesMark.Store(p.after(p.base.bytes, s.cfg.Policy.LogBytes))
}

// policyNext is when the policy wants a snapshot, as far as that is known now.
func (s *Snapshotter) policyNext(now int64) int64 {
	p, done := &s.policy, s.meter.totals()
	at := never
	switch {
	case done.entries >= p.after(p.base.entries, int64(s.cfg.Policy.Entries)),
		done.bytes >= p.after(p.base.bytes, s.cfg.Policy.LogBytes):
		at = now
	case done.entries > p.base.entries:
		at = p.after(p.at, s.cfg.Policy.Interval)
	}
	if at == never {
		return never
	}
	return max(at, p.notBefore)
}

// backoff spaces attempts at something that fails.
type backoff struct{ wait, until int64 }

// fail puts the next attempt off, and returns for how long.
func (b *backoff) fail(now int64) time.Duration {
	b.wait = min(max(2*b.wait, backoffMin), backoffMax)
	b.until = now + b.wait
	return time.Duration(b.wait)
}

// reset allows the next attempt at once.
func (b *backoff) reset() { *b = backoff{} }
