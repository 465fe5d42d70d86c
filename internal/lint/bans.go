// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// licence is how every file begins.
const licence = "// SPDX-License-Identifier: Apache-2.0\n\n"

// Licence finds files that do not begin with the licence's line and an empty one.
func Licence(s *Source) []Finding {
	if bytes.HasPrefix(s.Text, []byte(licence)) {
		return nil
	}
	return []Finding{{s.Path, 1, "the file does not begin with " + strings.TrimSpace(licence)}}
}

// Panics finds panics outside of internal/invariant: whoever finds that something is
// impossible says so with invariant.Check, and everything else is an error. Tests are
// free.
func Panics(s *Source) []Finding {
	if s.IsTest() || s.Folder() == "internal/invariant" {
		return nil
	}
	return s.builtinCalls("panics; call invariant.Check or return an error", "panic")
}

// Printing finds code that prints or logs to a global logger. The server, commands
// and examples may, and so may tests.
func Printing(s *Source) []Finding {
	top, _, _ := strings.Cut(s.Path, "/")
	if s.IsTest() || slices.Contains([]string{"balsa", "cmd", "examples"}, top) {
		return nil
	}
	findings := s.builtinCalls("prints", "print", "println")
	for _, call := range s.calls("fmt", "Print") {
		findings = append(findings, s.finding(call.Pos(), "the code prints with fmt.%s", call.Sel.Name))
	}
	for _, call := range s.calls("log", "") {
		findings = append(findings, s.finding(call.Pos(), "the code uses log.%s; it is given a *slog.Logger", call.Sel.Name))
	}
	return findings
}

// Sleeps finds tests that sleep in real time, which are slow or flaky or both. A file
// that imports testing/synctest is taken to sleep in bubbles only.
func Sleeps(s *Source) []Finding {
	if !s.IsTest() || s.importedAs("testing/synctest") != "" {
		return nil
	}
	var findings []Finding
	for _, call := range s.calls("time", "Sleep") {
		findings = append(findings, s.finding(call.Pos(), "a test sleeps outside a synctest bubble"))
	}
	return findings
}

var (
	promise = regexp.MustCompile(`\b(TODO|FIXME)\b`)
	issue   = regexp.MustCompile(`#[0-9]+`)
)

// Promises finds comments that promise work without the number of an issue.
func Promises(s *Source) []Finding {
	var findings []Finding
	for _, group := range s.Tree.Comments {
		for _, comment := range group.List {
			for offset, line := range strings.Split(comment.Text, "\n") {
				if word := promise.FindString(line); word != "" && !issue.MatchString(line) {
					findings = append(findings, Finding{s.Path, s.line(comment.Pos()) + offset, word + " without the number of an issue"})
				}
			}
		}
	}
	return findings
}

func (s *Source) builtinCalls(what string, names ...string) []Finding {
	var findings []Finding
	ast.Inspect(s.Tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if name, ok := call.Fun.(*ast.Ident); ok && slices.Contains(names, name.Name) {
			findings = append(findings, s.finding(call.Pos(), "the code %s", what))
		}
		return true
	})
	return findings
}
