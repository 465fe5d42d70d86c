// SPDX-License-Identifier: Apache-2.0

package mc

import "slices"

// apply makes next what an action and its outcome make of a state. The history stays.
func (m *model) apply(r *recall, s, next *state, a action, o *outcome) {
	next.nodes = append(next.nodes[:0], s.nodes...)
	next.nodes[a.place()] = o.next
	next.history = s.history
	next.left = s.left
	if cost := costs[a.kind()]; cost >= 0 {
		next.left[cost]--
	}
	next.messages = append(next.messages[:0], s.messages...)
	if a.isAboutMessage() && !a.keepsMessage() {
		i, _ := slices.BinarySearch(next.messages, a.number())
		next.messages = slices.Delete(next.messages, i, i+1)
	}
	next.messages = append(next.messages, o.sends...)
	if !m.isPlain {
		m.bury(r, next)
	}
	slices.Sort(next.messages)
}

// judge verifies the invariants and brings the history of next up to date.
func (m *model) judge(s, next *state, a action, o *outcome) *finding {
	t := transition{
		m: m, after: next, outcome: o, history: m.histories.at(s.history),
		old: m.locals.at(s.nodes[a.place()]), is: m.locals.at(o.next),
	}
	return t.check()
}
