// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"errors"
	"testing"
)

type index uint64

type logID struct{ Term, Index index }

func violation(t *testing.T, f func()) (v *Violation) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			v = r.(*Violation)
		}
	}()
	f()
	return nil
}

func TestCheckHolds(t *testing.T) {
	if v := violation(t, func() { Check(true, "one is one", "one", 1) }); v != nil {
		t.Fatalf("a check that holds panicked: %v", v)
	}
}

func TestCheckViolated(t *testing.T) {
	tests := []struct {
		name string
		kv   []any
		want string
	}{
		{"no details", nil, "invariant violated: commit <= last"},
		{"numbers", []any{"commit", index(7), "last", -2, "rate", 0.5}, "invariant violated: commit <= last commit=7 last=-2 rate=0.5"},
		{"text and truth", []any{"role", "leader", "ok", false}, `invariant violated: commit <= last role="leader" ok=false`},
		{"struct", []any{"id", logID{3, 17}}, "invariant violated: commit <= last id={3 17}"},
		{"slice", []any{"ids", []index{1, 2}, "none", []index{}}, "invariant violated: commit <= last ids=[1 2] none=[]"},
		{"deep", []any{"x", [][][][]int{{{{1}}}}}, "invariant violated: commit <= last x=[[[[...]]]]"},
		{"nil", []any{"err", nil}, "invariant violated: commit <= last err=nil"},
		{"other kinds", []any{"f", t.Fatal}, "invariant violated: commit <= last f=(func)"},
		{"value forgotten", []any{"commit"}, "invariant violated: commit <= last commit=(missing)"},
		{"key is no string", []any{1, 2}, "invariant violated: commit <= last (missing)=2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := violation(t, func() { Check(false, "commit <= last", test.kv...) })
			if v == nil {
				t.Fatal("no panic")
			}
			if v.String() != test.want {
				t.Errorf("got  %s\nwant %s", v.String(), test.want)
			}
		})
	}
}

func TestLongSlicesAreCut(t *testing.T) {
	v := violation(t, func() { Check(false, "", "x", make([]int, 1000)) })
	if len(v.Details[0].Value) > 100 {
		t.Errorf("a slice of 1000 items is shown as %d characters", len(v.Details[0].Value))
	}
}

func TestViolationIsAnError(t *testing.T) {
	v := violation(t, func() { Unreachable("unknown role", "role", 9) })
	var target *Violation
	if !errors.As(error(v), &target) || target.Error() != "invariant violated: unknown role role=9" {
		t.Errorf("got %v", target)
	}
}

func TestCheckExpensive(t *testing.T) {
	ran := false
	v := violation(t, func() {
		CheckExpensive(func() (bool, string) { ran = true; return false, "sorted" })
	})
	if ran != Enabled || (v != nil) != Enabled || Expensive() != Enabled {
		t.Errorf("Enabled is %v, but ran=%v, violation=%v", Enabled, ran, v)
	}
	if v := violation(t, func() { CheckExpensive(func() (bool, string) { return true, "" }) }); v != nil {
		t.Errorf("a check that holds panicked: %v", v)
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	commit, id := index(1<<40), logID{1 << 40, 1 << 41}
	allocs := testing.AllocsPerRun(100, func() {
		commit++
		Check(commit > 0, "commit is positive", "commit", commit, "id", id, "name", "n")
	})
	if allocs != 0 {
		t.Errorf("%v allocations a call that holds, want 0", allocs)
	}
}

func BenchmarkCheck(b *testing.B) {
	commit := index(1 << 40)
	for b.Loop() {
		commit++
		Check(commit > 0, "commit is positive", "commit", commit, "other", commit)
	}
}
