// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
)

// Direction is from one node to another.
type Direction struct{ From, To int }

// String writes the direction as an arrow.
func (d Direction) String() string { return fmt.Sprintf("%d>%d", d.From, d.To) }

// Mesh is the links between all nodes. Nodes are numbered from 1 on. The methods may
// be called from any goroutine.
type Mesh struct{ links map[Direction]*Link }

// NewMesh makes a link for each direction between nodes, whose addresses are given in
// their order.
func NewMesh(addresses []string) (*Mesh, error) {
	m := &Mesh{links: make(map[Direction]*Link)}
	for from := 1; from <= len(addresses); from++ {
		for to := 1; to <= len(addresses); to++ {
			if from == to {
				continue
			}
			link, err := NewLink(addresses[to-1])
			if err != nil {
				return nil, errors.Join(err, m.Close())
			}
			m.links[Direction{from, to}] = link
		}
	}
	return m, nil
}

// Address is where a node connects to reach another one.
func (m *Mesh) Address(d Direction) string { return m.links[d].Address() }

// Set gives links a fault, and returns what ends it wherever no other one has taken
// its place.
func (m *Mesh) Set(directions []Direction, fault Fault) (undo func()) {
	versions := make(map[Direction]int)
	for _, d := range directions {
		versions[d] = m.links[d].Set(fault)
	}
	return func() {
		for d, version := range versions {
			m.links[d].Clear(version)
		}
	}
}

// Heal ends all faults.
func (m *Mesh) Heal() {
	for _, link := range m.links {
		link.Set(Fault{})
	}
}

// Hits returns how often a kind of fault has met a connection or bytes.
func (m *Mesh) Hits(kind FaultKind) int {
	sum := 0
	for _, link := range m.links {
		sum += link.Hits(kind)
	}
	return sum
}

// Close ends all connections and links.
func (m *Mesh) Close() error {
	var errs []error
	for _, link := range m.links {
		errs = append(errs, link.Close())
	}
	return errors.Join(errs...)
}
