// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"io/fs"
	"os"
	"testing"
)

// rules are those that look at one file at a time.
var rules = map[string]Rule{
	"purity": Purity, "arrows": Arrows, "sizes": Sizes, "comments": Comments, "licence": Licence,
	"panics": Panics, "printing": Printing, "sleeps": Sleeps, "promises": Promises,
}

// TestRepository applies all rules to this repository.
func TestRepository(t *testing.T) {
	repository := os.DirFS("../..")
	sources, err := Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	gomod, err := fs.ReadFile(repository, "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range sources {
		seen[s.Folder()] = true
	}
	for _, folder := range []string{".", "wire", "internal/lint"} {
		if !seen[folder] {
			t.Fatalf("no file of %s was found", folder)
		}
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, s := range sources {
				report(t, rule(s))
			}
		})
	}
	t.Run("package comments", func(t *testing.T) { report(t, PackageComments(sources)) })
	t.Run("root module", func(t *testing.T) { report(t, RootModule(string(gomod), sources)) })
}

func report(t *testing.T, findings []Finding) {
	t.Helper()
	for _, finding := range findings {
		t.Error(finding)
	}
}
