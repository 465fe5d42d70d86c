// SPDX-License-Identifier: Apache-2.0

//go:build !invariants

package invariant

// Enabled says whether expensive checks run: the program was built without the tag
// "invariants".
const Enabled = false
