// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

// perNode has a value for each member, the zero value for those never mentioned. It is what
// a map would be; but the checker asks after every step, and members are few, and numbered
// from one.
type perNode[T any] struct {
	values []T
}

// of returns a member's value, to be read or changed before the next call.
func (p *perNode[T]) of(node wire.NodeID) *T {
	for wire.NodeID(len(p.values)) <= node {
		var none T
		p.values = append(p.values, none)
	}
	return &p.values[node]
}

// forget makes a member's value zero.
func (p *perNode[T]) forget(node wire.NodeID) {
	var none T
	*p.of(node) = none
}
