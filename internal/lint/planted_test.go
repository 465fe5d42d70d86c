// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// plant parses a file that begins with the licence's line and the text given.
func plant(t *testing.T, file, text string) *Source {
	t.Helper()
	module := "."
	if strings.HasPrefix(file, "balsa/") {
		module = "balsa"
	}
	s, err := Parse(module, file, []byte(licence+text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expect compares findings with what each of them must contain.
func expect(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d findings, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if !strings.Contains(got[i].String(), want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

func TestPurity(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"clean", "internal/core/a.go", `package core; import "slices"; var x = slices.Max([]int{1})`, nil},
		{"clock", "internal/core/a.go", `package core; import "time"`, []string{"a.go:3: a pure package imports time"}},
		{"lock", "internal/quorum/a.go", `package quorum; import "sync/atomic"`, []string{"imports sync/atomic"}},
		{"goroutine", "internal/core/a.go", "package core\n\nfunc f() { go f() }", []string{"a.go:5: a pure package has a go statement"}},
		{"channel", "internal/progress/a.go", "package progress; func f(c chan int) { c <- <-c }",
			[]string{"a channel", "a send", "a receive"}},
		{"select", "internal/core/a.go", "package core; func f() { select {} }", []string{"a select"}},
		{"map", "internal/logindex/a.go", "package logindex; var m = make(map[int]int)", []string{"a map"}},
		{"printing", "internal/core/a.go", `package core; import "fmt"; func f() { fmt.Println() }`, []string{"prints"}},
		{"test", "internal/core/a_test.go", `package core; import "time"; var m map[int]int`, nil},
		{"elsewhere", "internal/peer/a.go", `package peer; import "time"; var m map[int]int`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, Purity(plant(t, test.file, test.text)), test.want...) })
	}
}

func TestArrows(t *testing.T) {
	const root = modulePath
	tests := []struct {
		name, file, imports string
		want                []string
	}{
		{"root to core", "loop.go", root + "/internal/core", nil},
		{"root to wal", "loop.go", root + "/wal", []string{". imports wal against the arrows"}},
		{"root to another's", "loop.go", "github.com/other/thing", []string{"imports github.com/other/thing from outside"}},
		{"root's test", "loop_test.go", "github.com/other/thing", nil},
		{"wire to standard", "wire/a.go", "encoding/binary", nil},
		{"wire to core", "wire/a.go", root + "/internal/core", []string{"wire imports internal/core"}},
		{"wal to vfs", "wal/a.go", root + "/internal/vfs", nil},
		{"wal to root", "wal/a.go", root, []string{"wal imports . against"}},
		{"wal to its own", "wal/a.go", root + "/wal/internal/segment", nil},
		{"below wal to root", "wal/internal/segment/a.go", root, []string{"imports . against"}},
		{"mem to invariant", "mem/a.go", root + "/internal/invariant", nil},
		{"core to quorum", "internal/core/a.go", root + "/internal/quorum", nil},
		{"core to peer", "internal/core/a.go", root + "/internal/peer", []string{"internal/core imports internal/peer"}},
		{"pipeline to pipeline", "internal/peer/a.go", root + "/internal/logcache", []string{"internal/peer imports"}},
		{"simulator to all", "internal/sim/a.go", root + "/wal", nil},
		{"cgo", "wal/a.go", "C", []string{"imports C from outside"}},
		{"unlisted", "internal/novel/a.go", "fmt", []string{"internal/novel has no arrows"}},
		{"unlisted at the top", "novel/a.go", "fmt", []string{"novel has no arrows"}},
		{"balsa to root", "balsa/internal/kv/a.go", root, nil},
		{"balsa to its own", "balsa/main.go", root + "/balsa/internal/kv", nil},
		{"balsa to another's", "balsa/main.go", "github.com/other/thing", nil},
		{"balsa to the inside", "balsa/main.go", root + "/internal/core", []string{"balsa imports internal/core"}},
		{"balsa to invariant", "balsa/main.go", root + "/internal/invariant", []string{"balsa imports internal/invariant"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := plant(t, test.file, fmt.Sprintf("package p; import %q", test.imports))
			expect(t, Arrows(s), test.want...)
		})
	}
}

func TestRootModule(t *testing.T) {
	user := plant(t, "a_test.go", `package p; import "github.com/other/tested/sub"`)
	const gomod = `module m

go 1.26

require github.com/other/tested v1.0.0
require github.com/other/one v1.0.0

require (
	github.com/other/two v1.0.0
	github.com/other/three v1.0.0 // indirect
)

replace github.com/other/tested => ../x
`
	expect(t, RootModule(gomod, []*Source{user}), "go.mod:6: the root module requires github.com/other/one",
		"go.mod:9: the root module requires github.com/other/two", "go.mod:13: the root module has a replace")
}

func TestSizes(t *testing.T) {
	function := func(lines int) string { return "func f() {" + strings.Repeat("\n", lines-1) + "}\n" }
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"at the ceilings", "a.go", "package p\n" + function(70) + strings.Repeat("\n", 600-73), nil},
		{"function", "a.go", "package p\n" + function(71), []string{"a.go:4: f has 71 lines"}},
		{"method in a test", "a_test.go", "package p\nfunc (t T) " + function(71)[5:], []string{"f has 71 lines"}},
		{"excused function", "a.go", "package p\n\n// f is long.\n//\n//lint:long one table\n" + function(71), nil},
		{"no reason", "a.go", "package p\n\n//lint:long\n" + function(71), []string{"f has 71"}},
		{"another's excuse", "a.go", "package p\n//lint:long one table\nfunc g() {}\n" + function(71), []string{"f has 71"}},
		{"file", "a.go", "package p\n" + strings.Repeat("\n", 598), []string{"a.go:600: a file of 601 lines"}},
		{"excused file", "a.go", "//lint:long one table\npackage p\n" + strings.Repeat("\n", 700), nil},
		{"test at its ceiling", "a_test.go", "package p\n" + strings.Repeat("\n", 797), nil},
		{"test", "a_test.go", "package p\n" + strings.Repeat("\n", 798), []string{"a file of 801 lines, the most is 800"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, Sizes(plant(t, test.file, test.text)), test.want...) })
	}
}

func TestComments(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"documented", "// F does.\nfunc F() {}\n\n// A T is.\ntype T int\n\n// M does.\nfunc (t *T) M() {}", nil},
		{"generic", "// T is.\ntype T[k any] struct{}\n\nfunc (t *T[k]) M() {}", []string{"M has no doc comment"}},
		{"generic by two", "// T is.\ntype T[k, v any] struct{}\n\nfunc (t T[k, v]) M() {}", []string{"M has no doc comment"}},
		{"generic unexported", "type t[K any] struct{}\n\nfunc (t t[K]) M() {}", nil},
		{"function", "func F() {}", []string{"a.go:4: F has no doc comment"}},
		{"only a directive", "//go:noinline\nfunc F() {}", []string{"F has no doc comment"}},
		{"another's name", "// This does.\nfunc F() {}", []string{"F does not begin with its name"}},
		{"a longer name", "// Fast does.\nfunc F() {}", []string{"F does not begin with its name"}},
		{"type", "type T int", []string{"T has no doc comment"}},
		{"grouped types", "// Types.\ntype (\n// T is.\nT int\nU int\n)", []string{"U has no doc comment"}},
		{"grouped constants", "// The letters.\nconst (\nA = 1\nB = 2\n)", nil},
		{"constants", "const (\nA = 1\n// B is.\nB = 2\nC = 3 // is.\n)", []string{"A has no doc comment"}},
		{"interface", "// I is.\ntype I interface {\nM()\nN() // does.\no()\n}", []string{"I.M has no doc comment"}},
		{"lone method", "// I is.\ntype I interface{ M() }", nil},
		{"unexported", "type t int\n\nfunc (t t) String() string { return \"\" }\n\nvar x int", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, Comments(plant(t, "a.go", "package p\n"+test.text)), test.want...) })
	}
	expect(t, Comments(plant(t, "a_test.go", "package p; func F() {}")))
}

func TestPackageComments(t *testing.T) {
	sources := []*Source{
		plant(t, "one/a.go", "package one"),
		plant(t, "one/doc.go", "// Package one is.\npackage one"),
		plant(t, "two/a.go", "// Package two is.\npackage two"),
		plant(t, "cmd/three/main.go", "// Three does.\npackage main"),
		plant(t, "cmd/four/main.go", "package main"),
		plant(t, "five/a_test.go", "package five"),
	}
	expect(t, PackageComments(sources), "two/a.go", "cmd/four/main.go:3: package main has no package comment")
}

func TestBans(t *testing.T) {
	tests := []struct {
		name       string
		rule       Rule
		file, text string
		want       []string
	}{
		{"panic", Panics, "wal/a.go", "package p\n\nfunc f() { panic(1) }", []string{"wal/a.go:5: the code panics"}},
		{"panic where it may", Panics, "internal/invariant/a.go", "package p; func f() { panic(1) }", nil},
		{"panic in a test", Panics, "wal/a_test.go", "package p; func f() { panic(1) }", nil},
		{"print", Printing, "a.go", `package p; import "fmt"; func f() { fmt.Printf(""); println() }`,
			[]string{"prints", "fmt.Printf"}},
		{"renamed", Printing, "a.go", `package p; import l "log"; func f() { l.Fatal() }`, []string{"log.Fatal"}},
		{"sprint", Printing, "a.go", `package p; import "fmt"; func f() { fmt.Sprint("") }`, nil},
		{"slog", Printing, "a.go", `package p; import log "log/slog"; func f() { log.Info("") }`, nil},
		{"print in balsa", Printing, "balsa/a.go", `package p; import "fmt"; func f() { fmt.Println() }`, nil},
		{"print in an example", Printing, "a_test.go", `package p; import "fmt"; func f() { fmt.Println() }`, nil},
		{"sleep", Sleeps, "a_test.go", `package p; import "time"; func f() { time.Sleep(1) }`, []string{"sleeps outside"}},
		{"sleep in a bubble", Sleeps, "a_test.go",
			`package p; import ("time"; "testing/synctest"); func f() { synctest.Test(nil, nil); time.Sleep(1) }`, nil},
		{"sleep in code", Sleeps, "a.go", `package p; import "time"; func f() { time.Sleep(1) }`, nil},
		{"promise", Promises, "a.go", "package p\n\n/* x\nFIX" + "ME y */", []string{"a.go:6: FIX" + "ME without"}},
		{"promise with issue", Promises, "a.go", "package p // TO" + "DO(#12): x", nil},
		{"part of a word", Promises, "a.go", "package p // TO" + "DOS x", nil},
		{"licence", Licence, "a.go", "package p", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, test.rule(plant(t, test.file, test.text)), test.want...) })
	}
}

func TestLicenceMissing(t *testing.T) {
	for _, text := range []string{"package p", "\n" + licence + "package p", strings.TrimSpace(licence) + "\npackage p"} {
		s, err := Parse(".", "a.go", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, Licence(s), "a.go:1: the file does not begin with")
	}
}

func TestLoad(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("package p")}
	repository := fstest.MapFS{
		"a.go": file, "go.mod": file, "README.md": file, "wire/testdata/a.go": file, ".cache/a.go": file, "bench/a.go": file,
		"balsa/go.mod": file, "balsa/internal/kv/a.go": file, "adapters/otel/go.mod": file, "adapters/otel/a.go": file,
		"wal/bench/a.go": file,
	}
	sources, err := Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sources {
		got = append(got, s.Path+" of "+s.Module)
	}
	want := "a.go of .; adapters/otel/a.go of adapters/otel; balsa/internal/kv/a.go of balsa; wal/bench/a.go of ."
	if strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	repository["b.go"] = &fstest.MapFile{Data: []byte("package")}
	if _, err := Load(repository); err == nil || !strings.Contains(err.Error(), "b.go") {
		t.Errorf("a broken file gave %v", err)
	}
}
