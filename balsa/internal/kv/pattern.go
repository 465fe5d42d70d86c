// SPDX-License-Identifier: Apache-2.0

package kv

// Matches reports whether a key matches a pattern of KEYS or SCAN: * is any bytes,
// ? any one byte, [a-c] or [^a-c] one byte of a class, and \ takes the next byte
// literally. A class that does not end reaches to the end of the pattern.
//
// On a mismatch it goes back to the latest * only, which is enough and keeps the
// time within pattern times key, whatever the pattern.
func Matches(pattern []byte, key string) bool {
	p, k := 0, 0
	star, starKey := -1, 0
	for k < len(key) {
		if p < len(pattern) && pattern[p] == '*' {
			star, starKey = p, k
			p++
			continue
		}
		if p < len(pattern) {
			if next, ok := matchByte(pattern, p, key[k]); ok {
				p, k = next, k+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		starKey++
		p, k = star+1, starKey
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte matches one byte against the element of the pattern that begins at p,
// and returns where the next element begins.
func matchByte(pattern []byte, p int, b byte) (next int, ok bool) {
	switch c := pattern[p]; {
	case c == '?':
		return p + 1, true
	case c == '[':
		return matchClass(pattern, p+1, b)
	case c == '\\' && p+1 < len(pattern):
		return p + 2, pattern[p+1] == b
	default:
		return p + 1, c == b
	}
}

// matchClass matches one byte against the class whose first byte after the bracket
// is at p.
func matchClass(pattern []byte, p int, b byte) (next int, ok bool) {
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	found := false
	for p < len(pattern) && pattern[p] != ']' {
		low, high := pattern[p], pattern[p]
		switch {
		case low == '\\' && p+1 < len(pattern):
			p++
			low, high = pattern[p], pattern[p]
		case p+2 < len(pattern) && pattern[p+1] == '-':
			high = pattern[p+2]
			p += 2
		}
		found = found || min(low, high) <= b && b <= max(low, high)
		p++
	}
	return min(p+1, len(pattern)), found != negated
}
