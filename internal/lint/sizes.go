// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// The ceilings, in lines.
const (
	sourceLinesMax   = 600
	testLinesMax     = 800
	functionLinesMax = 70
)

// excuse is the comment that lifts a ceiling. It stands before the package clause or
// in front of the function, and a reason follows it.
const excuse = "//lint:long"

// Sizes finds files and functions that are too long to read.
func Sizes(s *Source) []Finding {
	var findings []Finding
	ceiling := sourceLinesMax
	if s.IsTest() {
		ceiling = testLinesMax
	}
	if n := s.lines(); n > ceiling && !s.isExcused(0, s.Tree.Package) {
		findings = append(findings, Finding{s.Path, ceiling, fmt.Sprintf("a file of %d lines, the most is %d", n, ceiling)})
	}
	end := s.Tree.Name.End()
	for _, declaration := range s.Tree.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if ok {
			n := s.line(function.End()) - s.line(function.Type.Func) + 1
			if n > functionLinesMax && !s.isExcused(end, function.Type.Func) {
				findings = append(findings, s.finding(function.Type.Func, "%s has %d lines, the most is %d",
					function.Name.Name, n, functionLinesMax))
			}
		}
		end = declaration.End()
	}
	return findings
}

// isExcused reports whether there is an excuse with a reason between two places.
func (s *Source) isExcused(from, to token.Pos) bool {
	for _, group := range s.Tree.Comments {
		for _, comment := range group.List {
			if comment.Pos() < from || comment.Pos() > to {
				continue
			}
			reason, found := strings.CutPrefix(comment.Text, excuse+" ")
			if found && strings.TrimSpace(reason) != "" {
				return true
			}
		}
	}
	return false
}
