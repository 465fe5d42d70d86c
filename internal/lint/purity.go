// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"go/ast"
	"go/token"
	"slices"
)

// pureFolders are the packages of the algorithm. They are given the time, random
// numbers come from a seed, and order comes from sorted slices, so that the same
// events give the same effects in production, in the simulator and in a replay.
var pureFolders = []string{"internal/core", "internal/quorum", "internal/progress", "internal/logindex"}

// pureStandard is what they may import of the standard library: nothing in it has a
// clock, a goroutine, a random number or I/O that its functions show.
var pureStandard = []string{"cmp", "errors", "fmt", "iter", "math", "math/bits", "slices", "strconv", "strings"}

// Purity finds what a pure package must not have: goroutines, channels, maps, whose
// order is random, and imports beyond a short list. Tests are free.
func Purity(s *Source) []Finding {
	if !slices.Contains(pureFolders, s.Folder()) || s.IsTest() {
		return nil
	}
	var findings []Finding
	for _, spec := range s.Tree.Imports {
		name := importPath(spec)
		if isStandard(name) && !slices.Contains(pureStandard, name) {
			findings = append(findings, s.finding(spec.Pos(), "a pure package imports %s", name))
		}
	}
	ast.Inspect(s.Tree, func(n ast.Node) bool {
		if what := impurity(n); what != "" {
			findings = append(findings, s.finding(n.Pos(), "a pure package has %s", what))
		}
		return true
	})
	for _, call := range s.calls("fmt", "Print") {
		findings = append(findings, s.finding(call.Pos(), "a pure package prints"))
	}
	return findings
}

func impurity(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a go statement"
	case *ast.SelectStmt:
		return "a select statement"
	case *ast.ChanType:
		return "a channel"
	case *ast.SendStmt:
		return "a send to a channel"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "a receive from a channel"
		}
	case *ast.MapType:
		return "a map"
	}
	return ""
}
