// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Violation is a shortest behaviour that violates an invariant.
type Violation struct {
	Invariant string `json:"invariant"`
	Detail    string `json:"detail"`
	// Script is what Replay takes.
	Script string `json:"script"`
	// Transcript tells the behaviour, step by step.
	Transcript string `json:"transcript"`
}

// witness finds the way from the first state to a violation.
func (e *explorer) witness(broken *finding, last origin) *Violation {
	actions := []action{last.action}
	for number := last.parent; number != 0; number = e.origins[number].parent {
		actions = append(actions, e.origins[number].action)
	}
	slices.Reverse(actions)
	var script []string
	var transcript strings.Builder
	t := newTeller(e.m, &transcript)
	for _, a := range actions {
		script = append(script, e.m.word(&t.state, a))
		t.step(a)
	}
	return &Violation{
		Invariant: broken.invariant.String(), Detail: broken.detail, Script: strings.Join(script, " "), Transcript: transcript.String(),
	}
}

// teller takes one step after the other and tells what happens.
type teller struct {
	m      *model
	to     io.Writer
	recall recall
	state  state
	steps  int
}

// newTeller begins with the memberships, unless there is one, and what the members then are.
func newTeller(m *model, to io.Writer) *teller {
	t := &teller{m: m, to: to, state: *m.initial()}
	if len(m.known.all) == 1 {
		return t
	}
	for i := range m.known.all {
		fmt.Fprintf(to, "<%d>  %s\n", i, renderMembership(&m.known.all[i]))
	}
	for _, number := range t.state.nodes {
		t.describe(m.locals.at(number))
	}
	return t
}

// step takes a step, and reports whether it violates an invariant.
func (t *teller) step(a action) (violated bool) {
	t.steps++
	fmt.Fprintf(t.to, "%3d  %s\n", t.steps, t.m.describe(a))
	o := &outcome{next: t.state.nodes[a.place()]}
	if a.kind() != drop {
		before := t.m.locals.at(t.state.nodes[a.place()])
		t.m.run(before, a.event(), func(format string, args ...any) {
			fmt.Fprintf(t.to, "       "+format+"\n", args...)
		})
		o = t.m.work(t.state.nodes[a.place()], a.event())
	}
	var next state
	t.m.apply(&t.recall, &t.state, &next, a, o)
	broken := t.m.judge(&t.state, &next, a, o)
	t.state = next
	t.describe(t.m.locals.at(o.next))
	if broken != nil {
		fmt.Fprintf(t.to, "     VIOLATED: %v: %s\n", broken.invariant, broken.detail)
	}
	return broken != nil
}

// describe tells what a member is.
func (t *teller) describe(is *local) {
	fmt.Fprintf(t.to, "       node %d: %v of term %d, vote %d, log %v, disk %v of term %d vote %d, commit %d", is.id, is.status.Role,
		is.status.HardState.Term, is.status.HardState.Vote, is.records, is.disk.records, is.disk.hard.Term, is.disk.hard.Vote, is.applied)
	if len(is.disk.snapshots) > 0 || is.machine != is.applied {
		fmt.Fprintf(t.to, ", %s, applied %d", renderSnapshots(is.disk.snapshots), is.machine)
	}
	fmt.Fprintln(t.to)
}

// word names an action the same way in every run: a letter, a member, and what it is
// about. Messages are named by their rank among those under way.
func (m *model) word(s *state, a action) string {
	number := a.number()
	if a.isAboutMessage() {
		number = uint32(slices.Index(m.ranked(s), number))
	}
	return fmt.Sprintf("%c%d.%d", letters[a.kind()], a.place()+1, number)
}

// ranked returns the messages under way in an order that does not depend on numbers.
func (m *model) ranked(s *state) []uint32 {
	ranked := slices.Compact(slices.Clone(s.messages))
	slices.SortFunc(ranked, func(a, b uint32) int {
		x, y := m.messages.at(a), m.messages.at(b)
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to), bytes.Compare(x.content, y.content))
	})
	return ranked
}

// errScript is what is wrong with a script that cannot be followed.
var errScript = errors.New("mc: the script does not fit the part")

// Replay follows the script of a violation, and tells to w what happens. The error
// says that the script is none, or is one for another part or version.
func Replay(part Part, script string, w io.Writer) error {
	return newModel(part.Bounds).replay(script, w)
}

func (m *model) replay(script string, w io.Writer) error {
	t := newTeller(m, w)
	for _, word := range strings.Fields(script) {
		a, found := t.find(word)
		if !found {
			return fmt.Errorf("%w: %q cannot be step %d", errScript, word, t.steps+1)
		}
		if t.step(a) {
			return nil
		}
	}
	return nil
}

// find returns the action that a word names, if it may happen now.
func (t *teller) find(word string) (found action, ok bool) {
	t.m.visit(&t.state, func(a action) {
		if !ok && t.m.word(&t.state, a) == word {
			found, ok = a, true
		}
	})
	return found, ok
}
