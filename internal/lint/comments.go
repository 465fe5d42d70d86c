// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"go/ast"
	"path"
	"strings"
)

// Comments finds exported names without a doc comment, and comments that do not begin
// with the name. Names in a group may share the comment of the group. Tests, the
// fields of structs and methods of unexported types are free.
func Comments(s *Source) []Finding {
	if s.IsTest() {
		return nil
	}
	var findings []Finding
	for _, declaration := range s.Tree.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			if declaration.Name.IsExported() && isReceiverExported(declaration.Recv) {
				findings = append(findings, s.checkDoc(declaration.Name, declaration.Doc)...)
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				findings = append(findings, s.checkSpec(declaration, spec)...)
			}
		}
	}
	return findings
}

func isReceiverExported(receiver *ast.FieldList) bool {
	if receiver == nil || len(receiver.List) == 0 {
		return true
	}
	base := receiver.List[0].Type
	if pointer, ok := base.(*ast.StarExpr); ok {
		base = pointer.X
	}
	return isNameExported(base)
}

// isNameExported looks at the name of a type, which may have type parameters.
func isNameExported(name ast.Expr) bool {
	switch name := name.(type) {
	case *ast.Ident:
		return name.IsExported()
	case *ast.IndexExpr:
		return isNameExported(name.X)
	case *ast.IndexListExpr:
		return isNameExported(name.X)
	}
	return false
}

func (s *Source) checkSpec(declaration *ast.GenDecl, spec ast.Spec) []Finding {
	var findings []Finding
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc
		if doc == nil && !declaration.Lparen.IsValid() {
			doc = declaration.Doc
		}
		if spec.Name.IsExported() {
			findings = append(findings, s.checkDoc(spec.Name, doc)...)
			findings = append(findings, s.checkInterface(spec)...)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			hasDoc := spec.Doc != nil || spec.Comment != nil || declaration.Doc != nil
			if name.IsExported() && !hasDoc {
				findings = append(findings, s.finding(name.Pos(), "%s has no doc comment", name.Name))
			}
		}
	}
	return findings
}

// checkInterface looks at the methods of an interface. The comment of an interface
// that has but one describes that method.
func (s *Source) checkInterface(spec *ast.TypeSpec) []Finding {
	list, ok := spec.Type.(*ast.InterfaceType)
	if !ok || len(list.Methods.List) == 1 {
		return nil
	}
	var findings []Finding
	for _, method := range list.Methods.List {
		for _, name := range method.Names {
			if name.IsExported() && method.Doc == nil && method.Comment == nil {
				findings = append(findings, s.finding(name.Pos(), "%s.%s has no doc comment", spec.Name.Name, name.Name))
			}
		}
	}
	return findings
}

func (s *Source) checkDoc(name *ast.Ident, doc *ast.CommentGroup) []Finding {
	text := ""
	if doc != nil {
		text = doc.Text()
	}
	if strings.TrimSpace(text) == "" {
		return []Finding{s.finding(name.Pos(), "%s has no doc comment", name.Name)}
	}
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	if rest, ok := strings.CutPrefix(text, name.Name); !ok || rest == "" || strings.IndexByte(" \n,.:('", rest[0]) < 0 {
		return []Finding{s.finding(name.Pos(), "the doc comment of %s does not begin with its name", name.Name)}
	}
	return nil
}

// PackageComments finds packages without a package comment, which stands in doc.go,
// or in any file of a command. It needs all files at once.
func PackageComments(sources []*Source) []Finding {
	first, documented := map[string]*Source{}, map[string]bool{}
	var folders []string
	for _, s := range sources {
		if s.IsTest() {
			continue
		}
		folder := s.Folder()
		if first[folder] == nil {
			first[folder] = s
			folders = append(folders, folder)
		}
		if s.Tree.Doc != nil && s.Tree.Doc.Text() != "" && (s.IsProgram() || path.Base(s.Path) == "doc.go") {
			documented[folder] = true
		}
	}
	var findings []Finding
	for _, folder := range folders {
		if !documented[folder] {
			s := first[folder]
			findings = append(findings, s.finding(s.Tree.Name.Pos(), "package %s has no package comment in doc.go", s.Tree.Name.Name))
		}
	}
	return findings
}
