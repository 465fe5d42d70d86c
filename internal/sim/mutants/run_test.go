// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The toy is a module with one function and a test of it.
var (
	toy = map[string]string{
		"go.mod":           "module toy\n\ngo 1.26\n",
		"toy.go":           "package toy\n\nfunc Double(n int) int { return 2 * n }\n",
		"toy_test.go":      "package toy\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tif Double(2) != 4 {\n\t\tt.Error(\"wrong\")\n\t}\n}\n",
		"bad/bad_test.go":  "package bad\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) { t.Error(\"bad\") }\n",
		"other/go.mod":     "module other\n",
		"other/other.go":   "package other\n",
		"notes.txt":        "not needed\n",
		"testdata/in.txt":  "needed\n",
		".hidden/notes.go": "package hidden\n",
	}
	toyLayers = []layer{{name: "toy", folder: "."}, {name: "bad", folder: "bad"}}
)

// toyMutant changes what the function returns.
func toyMutant(name, result string) mutant {
	return mutant{
		name: name, layer: "toy", run: "^TestDouble$", property: "doubles", expect: []string{testFailed}, budget: 10 * time.Second,
		edits: []edit{{"toy.go", "return 2 * n", result}},
	}
}

func writeToy(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range toy {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// runToy tries mutants and returns whether each was killed.
func runToy(t *testing.T, mutants ...mutant) (verdicts map[string]bool, summary summaryLine, err error) {
	t.Helper()
	root := writeToy(t)
	var out, progress bytes.Buffer
	r := report{out: &out, progress: &progress, json: true, total: len(mutants), bugs: map[string]bool{}}
	if err = run(t.Context(), root, toyLayers, mutants, &r); err != nil {
		return nil, summary, err
	}
	if err := r.summary(); err != nil {
		t.Fatal(err)
	}
	verdicts = map[string]bool{}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		var m mutantLine
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		verdicts[m.Name] = m.Killed
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.Join(root, "toy.go")); err != nil || string(content) != toy["toy.go"] {
		t.Errorf("the module itself was changed: %q, %v", content, err)
	}
	return verdicts, summary, nil
}

// A mutant is killed if the tests fail as they are expected to, and by nothing else.
func TestVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	killed, survivor, another := toyMutant("killed-one", "return 3 * n"), toyMutant("survivor", "return n + n"), toyMutant("another-failure", "return 3 * n")
	another.expect = []string{"something else"}
	slow, stuck := toyMutant("stuck-but-safe", "for {\n\t}"), toyMutant("stuck", "for {\n\t}")
	slow.budget, stuck.budget = 300*time.Millisecond, 300*time.Millisecond
	stuck.liveness = true
	half := toyMutant("killed-one@toy", "return n + n")
	verdicts, summary, err := runToy(t, killed, survivor, another, slow, stuck, half)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"killed-one": true, "survivor": false, "another-failure": false, "stuck-but-safe": false, "stuck": true, "killed-one@toy": false,
	}
	for name, isKilled := range want {
		if got, known := verdicts[name]; !known || got != isKilled {
			t.Errorf("%s: killed %v, want %v", name, got, isKilled)
		}
	}
	if summary.Mutants != 5 || summary.Killed != 1 || summary.Survived != 4 || summary.Trials != 6 || summary.Seconds <= 0 {
		t.Errorf("the summary is %+v", summary)
	}
}

// What is no proof is an error.
func TestErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	moved, bad, nowhere := toyMutant("moved", "return 3 * n"), toyMutant("bad-layer", "return 3 * n"), toyMutant("nowhere", "return 3 * n")
	moved.edits[0].old = "return two * n"
	bad.layer, nowhere.layer = "bad", "nowhere"
	for want, m := range map[string]mutant{
		"must be there once":        moved,
		"new text is not Go":        toyMutant("malformed", "return 2 * "),
		"mutant uncompilable":       toyMutant("uncompilable", "return two * n"),
		"fails without any mutant":  bad,
		"there is no layer \"nowhe": nowhere,
	} {
		t.Run(m.name, func(t *testing.T) {
			if _, _, err := runToy(t, m); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want an error with %q", err, want)
			}
		})
	}
}

func TestCopyTree(t *testing.T) {
	to := t.TempDir()
	if err := copyTree(writeToy(t), to); err != nil {
		t.Fatal(err)
	}
	var copied []string
	err := filepath.Walk(to, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		relative, err := filepath.Rel(to, path)
		copied = append(copied, filepath.ToSlash(relative))
		return err
	})
	want := []string{"bad/bad_test.go", "go.mod", "testdata/in.txt", "toy.go", "toy_test.go"}
	if err != nil || !slices.Equal(copied, want) {
		t.Errorf("%v were copied, %v; want %v", copied, err, want)
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		arguments string
		status    int
		said      string
	}{
		{"-list -only ^double-vote$", exitKilled, "one vote a term"},
		{"-h", exitKilled, "-only"},
		{"-only nothing-like-this", exitFailed, "no mutant matches"},
		{"-only (", exitFailed, "-only"},
		{"-nonsense", exitFailed, "nonsense"},
		{"everything", exitFailed, "unexpected argument"},
	} {
		var out bytes.Buffer
		status := command(context.Background(), strings.Fields(test.arguments), &out, &out)
		if status != test.status || !strings.Contains(out.String(), test.said) {
			t.Errorf("%s: status %d, %q", test.arguments, status, &out)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	b := boundedBuffer{room: 5}
	for _, part := range []string{"abc", "def", "ghi"} {
		if n, err := b.Write([]byte(part)); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if b.kept.String() != "abcde" {
		t.Errorf("kept %q", b.kept.String())
	}
}
