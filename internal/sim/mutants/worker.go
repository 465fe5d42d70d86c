// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// worker has a copy of the module of its own, and one mutant in it at a time.
type worker struct {
	tree   string
	binary string // where the tests are built
}

// outputBytesMax bounds what is kept of the output of tests; the rest is of no use.
const outputBytesMax = 4 << 20

// verdict is what became of a mutant.
type verdict struct {
	killed   bool
	took     time.Duration // of the tests, without building them
	evidence string
}

// baseline runs all tests of a layer on the code as it is.
func (w *worker) baseline(ctx context.Context, l layer) error {
	if err := w.build(ctx, l); err != nil {
		return err
	}
	output, ended, err := w.test(ctx, l, "", baselineMax)
	switch {
	case !ended && ctx.Err() == nil:
		return fmt.Errorf("layer %s does not end within %v without any mutant", l.name, baselineMax)
	case err != nil:
		return fmt.Errorf("layer %s fails without any mutant: %w\n%s", l.name, err, tailOf(output))
	}
	return nil
}

// try runs a layer's tests on a mutant. The error says that they could not be run.
func (w *worker) try(ctx context.Context, l layer, m *mutant) (v verdict, err error) {
	cure, err := infect(w.tree, m)
	defer func() { err = errors.Join(err, cure()) }()
	if err != nil {
		return v, fmt.Errorf("mutant %s: %w", m.name, err)
	}
	if err := w.build(ctx, l); err != nil {
		return v, fmt.Errorf("mutant %s: %w", m.name, err)
	}
	begun := time.Now()
	output, ended, err := w.test(ctx, l, m.run, m.budget)
	v.took = time.Since(begun)
	if ctx.Err() != nil {
		return v, context.Cause(ctx)
	}
	v.killed, v.evidence = judge(m, output, ended, err != nil)
	return v, nil
}

// judge says whether the output of the tests shows that the mutant's property was
// found violated. Tests that fail for another reason have not seen the bug.
func judge(m *mutant, output string, ended, failed bool) (killed bool, evidence string) {
	evidence = evidenceIn(output, m.expect)
	switch {
	case !ended && m.liveness:
		return true, fmt.Sprintf("no end within %v", m.budget)
	case !ended:
		return false, fmt.Sprintf("no end within %v, and that is not the property", m.budget)
	case !failed:
		return false, "all tests pass"
	case evidence == "":
		return false, fmt.Sprintf("the tests fail, but not with %q:\n%s", m.expect, tailOf(output))
	}
	return true, evidence
}

// build compiles the tests of a layer, or its program. That it fails is never a kill.
func (w *worker) build(ctx context.Context, l layer) error {
	how := []string{"test", "-c", "-vet=off"}
	if l.isProgram {
		how = []string{"build"}
	}
	cmd := exec.CommandContext(ctx, "go", append(how, "-o", w.binary, "./"+l.folder)...)
	cmd.Dir = w.tree
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("build layer %s: %w\n%s", l.name, err, output)
	}
	if !exists(w.binary) {
		return fmt.Errorf("build layer %s: %s has no tests", l.name, l.folder)
	}
	return nil
}

// test runs the tests that were built; ended is false if they were stopped after the
// limit.
func (w *worker) test(ctx context.Context, l layer, run string, limit time.Duration) (output string, ended bool, err error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, w.binary, l.commandLine(run)...)
	cmd.Dir = filepath.Join(w.tree, filepath.FromSlash(l.folder))
	buf := boundedBuffer{room: outputBytesMax}
	cmd.Stdout, cmd.Stderr = &buf, &buf
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	return buf.kept.String(), limited.Err() == nil, err
}

// boundedBuffer keeps the beginning of what is written to it.
type boundedBuffer struct {
	kept bytes.Buffer // not embedded: its ReadFrom would go past Write
	room int
}

// Write keeps what there is room for, and never fails.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	kept := p[:min(len(p), b.room)]
	b.room -= len(kept)
	b.kept.Write(kept)
	return len(p), nil
}

// evidenceBytesMax bounds the evidence.
const evidenceBytesMax = 240

// evidenceIn returns the first line with one of the texts in it, and what follows that,
// "" if there is none.
func evidenceIn(output string, texts []string) string {
	at := 0
	for line := range strings.Lines(output) {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) }) {
			break
		}
		at += len(line)
	}
	evidence := strings.Join(strings.Fields(output[at:min(at+4*evidenceBytesMax, len(output))]), " ")
	return strings.ToValidUTF8(evidence[:min(len(evidence), evidenceBytesMax)], "")
}

// tailOf returns the last lines of an output.
func tailOf(output string) string {
	const most = 25
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
