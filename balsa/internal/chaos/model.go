// SPDX-License-Identifier: Apache-2.0

package chaos

import "strconv"

// step is the specification of all kinds of operations: it applies one to a key's
// value, empty if the key is absent, and returns the value after it and the result.
func step(value string, o *Operation) (next, result string) {
	switch o.Kind {
	case Get:
		return value, value
	case Set:
		return o.Argument, "OK"
	case Swap:
		return o.Argument, value
	case Increment:
		n, _ := strconv.Atoi(value) // Nothing else than numbers comes there; absent is zero.
		next = strconv.Itoa(n + 1)
		return next, next
	case Append:
		next = value + o.Argument
		return next, strconv.Itoa(len(next))
	}
	return value, ""
}
