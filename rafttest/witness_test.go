// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// witness is a testing.TB that notes failures in place of failing, so that a suite can be
// seen to find a planted fault.
type witness struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (w *witness) fail(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, message)
}

func (w *witness) Helper()                           {}
func (w *witness) Logf(string, ...any)               {}
func (w *witness) Errorf(format string, args ...any) { w.fail(fmt.Sprintf(format, args...)) }
func (w *witness) Error(args ...any)                 { w.fail(fmt.Sprint(args...)) }

func (w *witness) Fatalf(format string, args ...any) {
	w.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (w *witness) Fatal(args ...any) {
	w.fail(fmt.Sprint(args...))
	runtime.Goexit()
}

func (w *witness) Skip(args ...any) {
	w.fail("skipped: " + fmt.Sprint(args...)) // Not a finding that anybody waits for.
	runtime.Goexit()
}

func (w *witness) Failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.failures) > 0
}

func (w *witness) Cleanup(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cleanups = append(w.cleanups, f)
}

// observe runs something that may fail, and returns how it did.
func observe(t testing.TB, run func(t testing.TB)) []string {
	w := &witness{TB: t}
	protect := func(f func()) {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer func() {
				if p := recover(); p != nil {
					w.fail(fmt.Sprint("panic: ", p))
				}
			}()
			f()
		}()
		<-ended
	}
	protect(func() { run(w) })
	for _, cleanup := range slices.Backward(w.cleanups) {
		protect(cleanup)
	}
	return w.failures
}

// expectFailure checks that a failure was seen, and that it says why.
func expectFailure(t *testing.T, failures []string, want string) {
	t.Helper()
	if len(failures) == 0 || !strings.Contains(strings.Join(failures, "\n"), want) {
		t.Errorf("the planted fault makes %q, want a failure with %q", failures, want)
	}
}

// expectFault has the demand look at a suite that must find the fault in it, and checks what it
// says of it.
func expectFault[Suite any](t *testing.T, s Suite, demands []demand[Suite], by, says string) {
	t.Helper()
	i := slices.IndexFunc(demands, func(d demand[Suite]) bool { return d.name == by })
	if i < 0 {
		t.Fatalf("there is no demand %q", by)
	}
	expectFailure(t, observe(t, func(t testing.TB) { demands[i].run(t, s) }), says)
}

// requireFaults checks that of every demand some fault has shown that it can fail.
func requireFaults[Suite any](t *testing.T, demands []demand[Suite], found map[string]bool) {
	t.Helper()
	for _, d := range demands {
		if !found[d.name] {
			t.Errorf("no fault shows that %q can fail", d.name)
		}
	}
}
