// SPDX-License-Identifier: Apache-2.0

package invariant

// Check panics with a *Violation unless cond holds. The message is a constant
// that says what must be true; kv are keys, which are strings, and values in turn.
// When cond holds, the call costs a branch and does not allocate.
func Check(cond bool, msg string, kv ...any) {
	if !cond {
		violate(msg, kv)
	}
}

// Unreachable panics with a *Violation. It stands where no path leads.
func Unreachable(msg string, kv ...any) {
	violate(msg, kv)
}

// Expensive reports whether the program was built with the tag "invariants". It
// lets a caller skip the preparation of a check; Enabled is the same as a constant.
func Expensive() bool { return Enabled }

// CheckExpensive calls check if Enabled, and panics with a *Violation, whose message
// is the string returned, unless it returned true.
func CheckExpensive(check func() (bool, string)) {
	if !Enabled {
		return
	}
	if ok, msg := check(); !ok {
		violate(msg, nil)
	}
}

// violate copies what it needs of kv and lets none of it escape, so that callers of
// Check need not put their arguments on the heap in case of a violation.
//
//go:noinline
func violate(msg string, kv []any) {
	panic(&Violation{Message: msg, Details: details(kv)})
}
