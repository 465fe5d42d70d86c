// SPDX-License-Identifier: Apache-2.0

package mc

import "math/bits"

// hash is what things are known by: 128 bits that depend on the content alone, so that
// every run counts the same. Hashes of the parts of a set are added up, which needs no
// order. doc.go says how likely it is that two things are taken for one.
type hash struct{ high, low uint64 }

// hashOf hashes bytes: FNV-1a of 128 bits, and a stir that leaves no structure for
// sums of hashes to cancel.
func hashOf(content []byte) hash {
	const primeHigh, primeLow = 1 << 24, 0x13b
	h := hash{0x6c62272e07bb0142, 0x62b821756295c58d}
	for _, b := range content {
		h.low ^= uint64(b)
		carry, low := bits.Mul64(h.low, primeLow)
		h.high = h.high*primeLow + h.low*primeHigh + carry
		h.low = low
	}
	low := stir(h.low ^ bits.RotateLeft64(h.high, 29))
	return hash{stir(h.high + low), low}
}

// stir is the end of SplitMix64: every bit of x moves half of the bits.
func stir(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (h hash) plus(other hash) hash {
	low, carry := bits.Add64(h.low, other.low, 0)
	return hash{h.high + other.high + carry, low}
}

func (h hash) less(other hash) bool {
	return h.high < other.high || h.high == other.high && h.low < other.low
}
