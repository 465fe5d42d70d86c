// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk carries out the commands of a document.
type walk struct {
	t       *testing.T
	program string
	dir     string
	// addresses has, for each address in the document, the one that is used in its place.
	addresses map[string]string
	// variables are those that the document has set.
	variables map[string]string
	// nodes are the processes that run, by the address of their admin ports.
	nodes   map[string]*process
	writers *writers
}

// step is a command of a document, with what it is to print.
type step struct {
	command string
	output  string
}

var addressPattern = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// readSteps reads the commands of a document: the lines in blocks marked console that begin with a
// dollar. What follows such a line is its output.
func readSteps(t *testing.T, path string) (steps []step, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = string(data)
	for _, block := range strings.Split(text, "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		block = strings.ReplaceAll(block, "\\\n", "")
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: strings.TrimSpace(command)})
				continue
			}
			steps[len(steps)-1].output += line
		}
	}
	if len(steps) == 0 {
		t.Fatalf("%s has no commands", path)
	}
	return steps, text
}

func newWalk(t *testing.T, text string) *walk {
	w := &walk{
		t: t, program: build(t), dir: t.TempDir(), writers: newWriters(t), nodes: make(map[string]*process),
		addresses: make(map[string]string), variables: make(map[string]string),
	}
	named := addressPattern.FindAllString(text, -1)
	slices.Sort(named)
	named = slices.Compact(named)
	for i, free := range addresses(t, len(named)) {
		w.addresses[named[i]] = free
	}
	return w
}

// do carries out a command.
func (w *walk) do(s step) {
	w.t.Helper()
	text := os.Expand(s.command, func(name string) string { return w.variables[name] })
	if name, value, ok := strings.Cut(text, "="); ok && !strings.Contains(name, " ") {
		w.variables[name] = value
		return
	}
	text = addressPattern.ReplaceAllStringFunc(text, func(address string) string { return w.addresses[address] })
	args := strings.Fields(text)
	switch {
	case args[1] == "serve":
		w.serve(args[1 : len(args)-1]) // But for the &.
	case args[1] == "shutdown":
		w.shutdown(args[1:])
	default:
		if args[1] == "replace" {
			w.writers.leave(w.clientOf(args[len(args)-2]))
		}
		if args[1] == "remove" {
			w.writers.leave(w.clientOf(args[len(args)-1]))
		}
		if got := w.run(args[1:]); s.output != "" && got != s.output {
			w.t.Fatalf("%s printed %q, and the document says %q", s.command, got, s.output)
		}
	}
}

// run runs a command that is to succeed, and returns what it prints.
func (w *walk) run(args []string) string {
	w.t.Helper()
	begun := time.Now()
	command := exec.Command(w.program, args...)
	command.Dir = w.dir
	out, err := command.Output()
	if err != nil {
		var failed *exec.ExitError
		_ = errors.As(err, &failed) // What it says is shown if there is anything.
		w.t.Fatalf("%q: %v\n%s\n%s", args, err, out, failed.Stderr)
	}
	w.t.Logf("%v balsa %s\n%s", time.Since(begun).Round(time.Millisecond), strings.Join(args, " "), out)
	return string(out)
}

// valueOf returns the value of a flag in a command line.
func valueOf(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 {
		return args[i+1]
	}
	return ""
}

// clientOf returns where the node of an ID serves clients.
func (w *walk) clientOf(id string) string {
	for _, p := range w.nodes {
		if valueOf(p.args, "--id") == id {
			return p.client
		}
	}
	w.t.Fatalf("node %s does not run", id)
	return ""
}

// serve starts a node, with smaller files than usual.
func (w *walk) serve(args []string) {
	w.t.Helper()
	p := &process{t: w.t, client: valueOf(args, "--client"), admin: valueOf(args, "--admin")}
	p.args = append(append([]string{w.program}, args...), "--segment-bytes", "4194304")
	p.args[slices.Index(p.args, "--dir")+1] = filepath.Join(w.dir, valueOf(args, "--dir"))
	w.t.Cleanup(p.cleanup)
	p.start()
	w.nodes[p.admin] = p
	until(w.t, "the admin port answers", func() bool { return p.look("members", nil) == nil })
	if valueOf(args, "--initial-cluster") != "" {
		w.writers.begin(p.client)
	} else {
		w.writers.join(p.client)
	}
}

// shutdown ends a node, and waits until it has ended.
func (w *walk) shutdown(args []string) {
	w.t.Helper()
	p := w.nodes[valueOf(args, "--admin")]
	w.writers.leave(p.client)
	w.run(args)
	if err := p.awaitEnd(); err != nil {
		w.t.Errorf("node %s ended with %v", valueOf(p.args, "--id"), err)
	}
	delete(w.nodes, p.admin)
}

// TestMembershipWalkThrough carries out docs/membership.md while clients write.
func TestMembershipWalkThrough(t *testing.T) {
	steps, text := readSteps(t, "../docs/membership.md")
	w := newWalk(t, text)
	for _, s := range steps {
		w.do(s)
	}
	if len(w.nodes) != 3 {
		t.Errorf("%d nodes run at the end", len(w.nodes))
	}
	w.writers.end()
	report := w.writers.report()
	t.Logf("%d writes were acknowledged; the longest pause of a writer was %v; retried: %v", report.acknowledged, report.longest, report.retried)
	if report.acknowledged == 0 {
		t.Error("nothing was written")
	}
	w.writers.check()
}
