// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// Shrink looks for less that still violates the same invariant: a shorter run, with fewer
// kinds of faults. Without and duration change what happens, so what is found is one of
// the smaller runs that fail, and not always the smallest.
func Shrink(o Options, failed Result) (Options, Result) {
	s := shrinker{smallest: o, result: failed}
	s.shorten()
	for f := range faultCount {
		if failed.Planned.Has(f) {
			next := s.smallest
			next.Without = next.Without.With(f)
			s.try(next)
		}
	}
	s.shorten()
	return s.smallest, s.result
}

type shrinker struct {
	smallest Options
	result   Result
}

// try keeps options that fail in the same way.
func (s *shrinker) try(o Options) bool {
	o.Transcript = nil
	result := Run(o)
	if result.Violation == nil || result.Violation.Invariant != s.result.Violation.Invariant {
		return false
	}
	s.smallest, s.result = o, result
	return true
}

// shorten ends the run where it fails, and then earlier, as long as it still does.
func (s *shrinker) shorten() {
	next := s.smallest
	next.Duration = s.result.FaultPhase.Truncate(time.Millisecond) + time.Millisecond
	if !s.try(next) {
		return
	}
	for range 8 {
		next := s.smallest
		next.Duration = s.result.FaultPhase / 4 * 3
		if next.Duration < time.Millisecond || !s.try(next) {
			return
		}
	}
}
