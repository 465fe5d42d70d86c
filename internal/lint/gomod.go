// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"
)

// RootModule finds what the root's go.mod must not have: a requirement that no test
// of the root module imports, and a replacement. What is needed at run time would be
// an import from outside, which Arrows finds.
func RootModule(gomod string, sources []*Source) []Finding {
	var findings []Finding
	report := func(line int, message string) {
		findings = append(findings, Finding{Path: "go.mod", Line: line, Message: message})
	}
	inRequire := false
	for i, line := range strings.Split(gomod, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		switch {
		case fields[0] == "require" && slices.Contains(fields, "("):
			inRequire = true
		case fields[0] == ")":
			inRequire = false
		case fields[0] == "replace" || fields[0] == "tool":
			report(i+1, "the root module has a "+fields[0]+" directive")
		case fields[0] == "require":
			fields = fields[1:]
			fallthrough
		case inRequire:
			if !strings.Contains(line, "// indirect") && !isTestRequirement(fields[0], sources) {
				report(i+1, "the root module requires "+fields[0]+", which none of its tests imports")
			}
		}
	}
	return findings
}

func isTestRequirement(module string, sources []*Source) bool {
	for _, s := range sources {
		if s.Module != "." || !s.IsTest() {
			continue
		}
		for _, spec := range s.Tree.Imports {
			if strings.HasPrefix(importPath(spec)+"/", module+"/") {
				return true
			}
		}
	}
	return false
}
