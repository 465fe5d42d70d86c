// SPDX-License-Identifier: Apache-2.0

package rafttest

import "testing"

// demand is one thing that a contract asks for. The suite that says so, a pointer to LogStore
// for example, is what it is asked of.
type demand[Suite any] struct {
	name string
	run  func(t testing.TB, s Suite)
}

// testDemands looks at all of them in turn, in subtests.
func testDemands[Suite any](t *testing.T, s Suite, demands []demand[Suite]) {
	for _, d := range demands {
		t.Run(d.name, func(t *testing.T) { d.run(t, s) })
	}
}
