// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Source is one Go file.
type Source struct {
	// Path is the file's path from the root of the repository, with slashes.
	Path string
	// Module is the folder of the module that the file belongs to, "." for the root's.
	Module string
	// Text is the file's content.
	Text []byte
	// Tree is its syntax.
	Tree *ast.File

	positions *token.FileSet
}

// Finding is one place where a rule is broken.
type Finding struct {
	// Path and Line are the place.
	Path string
	Line int
	// Message says what is wrong with it.
	Message string
}

// String returns the finding as a compiler would print it.
func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message) }

// Rule looks at one file and returns where it breaks the rule.
type Rule func(s *Source) []Finding

// Parse parses one file; an error tells the place.
func Parse(module, file string, text []byte) (*Source, error) {
	s := &Source{Path: file, Module: module, Text: text, positions: token.NewFileSet()}
	tree, err := parser.ParseFile(s.positions, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("lint: parse: %w", err)
	}
	s.Tree = tree
	return s, nil
}

// skipped are the folders below the root that no rule looks at.
var skipped = map[string]bool{"bench": true, "tools": true}

// Load parses all Go files of the repository.
func Load(repository fs.FS) ([]*Source, error) {
	var sources []*Source
	err := fs.WalkDir(repository, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != "." && (skipped[file] || isIgnored(entry.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			return err
		}
		s, err := Parse(moduleOf(repository, path.Dir(file)), file, text)
		if err != nil {
			return err
		}
		sources = append(sources, s)
		return nil
	})
	return sources, err
}

// isIgnored reports whether the go command, too, looks past a folder of this name.
func isIgnored(folder string) bool {
	return folder == "testdata" || folder == "vendor" || folder[0] == '.' || folder[0] == '_'
}

// moduleOf returns the nearest folder upwards that has a go.mod.
func moduleOf(repository fs.FS, folder string) string {
	for folder != "." {
		if _, err := fs.Stat(repository, path.Join(folder, "go.mod")); err == nil {
			return folder
		}
		folder = path.Dir(folder)
	}
	return "."
}

// Folder returns the file's folder, "." for the root.
func (s *Source) Folder() string { return path.Dir(s.Path) }

// IsTest reports whether only go test compiles the file.
func (s *Source) IsTest() bool { return strings.HasSuffix(s.Path, "_test.go") }

// IsProgram reports whether the file belongs to a command.
func (s *Source) IsProgram() bool { return s.Tree.Name.Name == "main" }

func (s *Source) lines() int { return bytes.Count(s.Text, []byte("\n")) }

func (s *Source) line(pos token.Pos) int { return s.positions.Position(pos).Line }

func (s *Source) finding(pos token.Pos, format string, args ...any) Finding {
	return Finding{Path: s.Path, Line: s.line(pos), Message: fmt.Sprintf(format, args...)}
}

// importPath returns what an import names.
func importPath(spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return name
}

// importedAs returns the name under which the file knows a package, empty if it does
// not import it.
func (s *Source) importedAs(name string) string {
	for _, spec := range s.Tree.Imports {
		if importPath(spec) != name {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(name)
	}
	return ""
}

// calls returns the calls of functions of a package whose names begin with a prefix.
func (s *Source) calls(imported, prefix string) []*ast.SelectorExpr {
	local := s.importedAs(imported)
	if local == "" {
		return nil
	}
	var found []*ast.SelectorExpr
	ast.Inspect(s.Tree, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == local && strings.HasPrefix(selector.Sel.Name, prefix) {
			found = append(found, selector)
		}
		return true
	})
	return found
}
