// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"time"
)

// mutant is a bug that somebody shipped, as a change of this repository's code, with
// what has to notice it.
type mutant struct {
	name string
	// cites are where it was seen: S, L and A number the safety, liveness and interface
	// problems of the study in pains.md, M the rows of the bug museum in
	// reliability.md §8.
	cites []string
	edits []edit
	// layer is the name of the one that has to notice, run which of its tests, as
	// -test.run takes them; a program tests everything.
	layer, run string
	// property is what is violated, in words. expect are the texts by any of which the
	// output says that it was; without any, it is that one of the tests failed.
	property string
	expect   []string
	// liveness says that the property is that something happens at all: then it is
	// violated, too, if the tests do not end within the budget.
	liveness bool
	budget   time.Duration
}

// edit replaces a text, which must be in the file exactly once.
type edit struct{ file, old, new string }

// budgetDefault is the budget of a mutant that states none. It is for a busy machine;
// on an idle one few take more than a tenth of it.
const budgetDefault = 30 * time.Second

// testFailed is how the output says that a test failed, rather than the process.
const testFailed = "--- FAIL: Test"

// museum returns all mutants, with the defaults for what they leave open.
func museum() []mutant {
	all := slices.Concat(elections, replication, storage, pipelines, snapshotting, memberships)
	for _, s := range seconds {
		all = append(all, s.mutant(all))
	}
	all = append(all, refinedMutants(all)...)
	for i := range all {
		if all[i].budget == 0 {
			all[i].budget = budgetDefault
		}
		if len(all[i].expect) == 0 {
			all[i].expect = []string{testFailed}
		}
	}
	return all
}

// apply returns the text with the edit made. A text that is missing or ambiguous is
// an error: the code has changed, and the mutant has to follow it.
func (e *edit) apply(text string) (string, error) {
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("the old text is in %s %d times, and must be there once:\n%s", e.file, n, e.old)
	}
	changed := strings.Replace(text, e.old, e.new, 1)
	if _, err := parser.ParseFile(token.NewFileSet(), e.file, changed, parser.SkipObjectResolution); err != nil {
		return "", fmt.Errorf("the new text is not Go: %w", err)
	}
	return changed, nil
}

// second is a mutant that a second layer has to notice, too, in its own way.
type second struct {
	of                   string // the mutant's name
	layer, run, property string
	expect               []string
	liveness             bool
}

// mutant returns the mutant with the second layer in place of the first. That there
// is no such mutant shows as one without edits.
func (s *second) mutant(all []mutant) mutant {
	m := mutant{}
	if i := slices.IndexFunc(all, func(m mutant) bool { return m.name == s.of }); i >= 0 {
		m = all[i]
	}
	m.name = s.of + secondMark + s.layer
	m.layer, m.run, m.property, m.expect, m.liveness = s.layer, s.run, s.property, s.expect, s.liveness
	return m
}

// secondMark stands between a mutant's name and that of a second layer.
const secondMark = "@"

// bug returns the name of the mutant, whatever layer is to notice it.
func (m *mutant) bug() string {
	bug, _, _ := strings.Cut(m.name, secondMark)
	return bug
}
