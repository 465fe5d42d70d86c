// SPDX-License-Identifier: Apache-2.0

package core

// random is a small seeded source (SplitMix64): the core must not draw on anything
// that a replay could not repeat.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 up to, but not including, n.
func (r *random) below(n Instant) Instant { return Instant(r.next() % uint64(n)) }
