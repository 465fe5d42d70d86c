// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"path"
	"slices"
	"strings"
)

// modulePath is the import path of the root module, and so the start of all others'.
const modulePath = "github.com/balsa-raft/raft"

// anything in a list of arrows allows every package of the repository.
const anything = "*"

// arrows says which folders a folder may import, besides those below itself, the
// standard library and internal/invariant. Folders below a listed one follow its
// arrows. docs/decisions/0001-layout.md says why they point the way they do: the
// vocabulary is a leaf, what users plug in does not know the root, and the pipelines
// do not know each other.
var arrows = map[string][]string{
	".": {"wire", "internal/change", "internal/core", "internal/progress", "internal/logwriter", "internal/logcache", "internal/peer",
		"internal/applier", "internal/snapshotter", "internal/drive"},
	"wire":    {},
	"wal":     {"wire", "internal/vfs"},
	"snapdir": {"wire", "internal/vfs"},
	"tcp":     {"wire"},
	"mem":     {"wire"},

	"internal/core":      {"wire", "internal/change", "internal/quorum", "internal/progress", "internal/logindex"},
	"internal/quorum":    {"wire"},
	"internal/change":    {"wire"},
	"internal/progress":  {"wire"},
	"internal/logindex":  {"wire"},
	"internal/invariant": {},

	"internal/logwriter":   {"wire"},
	"internal/logcache":    {"wire"},
	"internal/peer":        {"wire", "internal/progress"},
	"internal/applier":     {"wire"},
	"internal/snapshotter": {"wire"},
	"internal/vfs":         {},
	"internal/drive":       {},

	"rafttest":            {".", "wire", "mem"},
	"internal/sim":        {anything},
	"internal/mc":         {"wire", "internal/change", "internal/core", "internal/progress"},
	"internal/refine":     {"wire"},
	"internal/scripttest": {"wire", "internal/core"},
	"internal/lint":       {},
	"cmd":                 {anything},
	"examples":            {".", "wire", "wal", "snapdir", "tcp", "mem"},

	// Modules of their own, which may import other people's as well.
	"balsa":                   {".", "wire", "wal", "snapdir", "tcp", "mem"},
	"balsa/internal/simcheck": {"internal/sim"},
	"adapters":                {".", "wire"},
}

// Arrows finds imports against the arrows, packages without arrows, and imports from
// outside in the root module. Tests are free.
func Arrows(s *Source) []Finding {
	if s.IsTest() {
		return nil
	}
	home, allowed, ok := arrowsOf(s.Folder())
	if !ok {
		return []Finding{s.finding(s.Tree.Name.Pos(), "%s has no arrows in internal/lint/arrows.go", s.Folder())}
	}
	var findings []Finding
	for _, spec := range s.Tree.Imports {
		name := importPath(spec)
		target, ours := folderOf(name)
		switch {
		case isStandard(name):
		case !ours && s.Module == ".":
			findings = append(findings, s.finding(spec.Pos(), "the root module imports %s from outside", name))
		case ours && !isAllowed(home, allowed, target):
			findings = append(findings, s.finding(spec.Pos(), "%s imports %s against the arrows", s.Folder(), target))
		}
	}
	return findings
}

// arrowsOf returns the nearest folder upwards that has arrows, and these. The root's
// own are for the root alone.
func arrowsOf(folder string) (home string, allowed []string, ok bool) {
	home = folder
	for {
		if allowed, ok = arrows[home]; ok || home == "." {
			return home, allowed, ok && (home != "." || folder == ".")
		}
		home = path.Dir(home)
	}
}

func isAllowed(home string, allowed []string, target string) bool {
	within := home != "." && strings.HasPrefix(target+"/", home+"/")
	return within || target == "internal/invariant" && isRootModule(home) ||
		slices.Contains(allowed, target) || slices.Contains(allowed, anything)
}

// isRootModule reports whether a folder with arrows belongs to the root module. The
// compiler would let modules below the root import its internal packages.
func isRootModule(home string) bool {
	return home != "balsa" && home != "adapters" && home != "examples"
}

// folderOf returns the folder of a package of this repository.
func folderOf(name string) (folder string, ours bool) {
	if name == modulePath {
		return ".", true
	}
	return strings.CutPrefix(name, modulePath+"/")
}

// isStandard reports whether an import path is of the standard library, whose paths
// have no dot in the first element. Cgo's "C" is not.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && name != "C"
}
