// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mutantsMin is how many there must be.
const mutantsMin = 35

// The mutants follow the code: each old text is there exactly once, and what replaces it
// is Go.
func TestMutantsFitTheCode(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range museum() {
		texts := map[string]string{}
		for i := range m.edits {
			e := &m.edits[i]
			text, changed := texts[e.file]
			if !changed {
				content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
				if err != nil {
					t.Errorf("%s: %v", m.name, err)
					continue
				}
				text = string(content)
			}
			if texts[e.file], err = e.apply(text); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
			if texts[e.file] == text {
				t.Errorf("%s: the edit changes nothing", m.name)
			}
		}
	}
}

var (
	mutantName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+(@[a-z-]+)?$`)
	citation   = regexp.MustCompile(`^[SLAMF][1-9][0-9]?$`)
	testName   = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

// Each mutant says what it is, who has seen it, and which tests are to find it, and
// these are there.
func TestMutantsAreComplete(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	all := museum()
	if len(all) < mutantsMin {
		t.Errorf("%d mutants, there must be %d", len(all), mutantsMin)
	}
	seen, named := map[string]bool{}, map[string][]string{}
	for _, m := range all {
		if !mutantName.MatchString(m.name) || seen[m.name] {
			t.Errorf("the name %q is malformed or not the only one", m.name)
		}
		seen[m.name] = true
		if len(m.cites) == 0 || slices.ContainsFunc(m.cites, func(c string) bool { return !citation.MatchString(c) }) {
			t.Errorf("%s: cites %v", m.name, m.cites)
		}
		if len(m.edits) == 0 || m.property == "" || slices.Contains(m.expect, "") {
			t.Errorf("%s: there is no edit or no property, or an expectation that everything meets", m.name)
		}
		l, known := findLayer(layers, m.layer)
		if !known {
			t.Errorf("%s: there is no layer %q", m.name, m.layer)
			continue
		}
		if l.isProgram {
			if m.run != "" || m.expect[0] == testFailed {
				t.Errorf("%s: a program has no tests to choose from, and says itself what failed", m.name)
			}
			continue
		}
		tests, known := named[l.folder]
		if !known {
			tests = testsIn(t, filepath.Join(root, filepath.FromSlash(l.folder)))
			named[l.folder] = tests
		}
		for part := range strings.SplitSeq(m.run, "|") {
			run, err := regexp.Compile(part)
			if err != nil || !slices.ContainsFunc(tests, run.MatchString) {
				t.Errorf("%s: no test of layer %s matches %q", m.name, l.name, part)
			}
		}
	}
}

// testsIn returns the names of the tests of a package.
func testsIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range testName.FindAllStringSubmatch(string(content), -1) {
			names = append(names, match[1])
		}
	}
	return names
}
