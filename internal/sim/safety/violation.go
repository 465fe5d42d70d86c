// SPDX-License-Identifier: Apache-2.0

package safety

import "fmt"

// Violation says which invariant does not hold, and how.
type Violation struct {
	// Invariant is its number and name.
	Invariant string
	// Detail says what was seen.
	Detail string
}

// Error describes the violation.
func (v *Violation) Error() string { return v.Invariant + ": " + v.Detail }

func violated(invariant, format string, args ...any) *Violation {
	return &Violation{Invariant: invariant, Detail: fmt.Sprintf(format, args...)}
}
