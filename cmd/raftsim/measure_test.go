// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	f := &figures{Goals: map[string]float64{"p50": 500, "p99": 900, "max": 1000}}
	var values []float64
	for i := 1000; i > 0; i-- {
		values = append(values, float64(i))
	}
	f.sum(values)
	for name, want := range map[string]float64{"mean": 500.5, "p50": 501, "p99": 991, "p99.9": 1000, "max": 1000} {
		if f.Values[name] != want {
			t.Errorf("%s is %v, want %v", name, f.Values[name], want)
		}
	}
	if !slices.Equal(f.Missed, []string{"p50", "p99"}) {
		t.Errorf("missed: %v", f.Missed)
	}
}

func TestMeasurementNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range measurements {
		m := &measurements[i]
		if m.name == "" || seen[m.name] || m.trials == 0 || m.run == nil || m.value == nil || m.unit == "" || m.what == "" {
			t.Errorf("%+v", m)
		}
		for name := range m.goals {
			if !slices.Contains(figureNames, name) {
				t.Errorf("%s has a goal for %q", m.name, name)
			}
		}
		seen[m.name] = true
	}
}

// TestMeasureRepeats demands that a measurement is the same each time, whatever runs at once.
func TestMeasureRepeats(t *testing.T) {
	var outputs [2]bytes.Buffer
	for i := range outputs {
		s := settings{measure: "failover-3-150ms", trials: 6, first: 1, workers: 1 + 2*i, asJSON: true}
		if status := runMeasurements(&s, &outputs[i]); status != 0 {
			t.Fatalf("status %d: %s", status, outputs[i].String())
		}
	}
	if outputs[0].String() != outputs[1].String() {
		t.Errorf("%s and then %s", &outputs[0], &outputs[1])
	}
	var f figures
	if err := json.Unmarshal(outputs[0].Bytes(), &f); err != nil || f.Trials != 6 || f.Values["p50"] <= 0 {
		t.Errorf("%v: %+v", err, f)
	}
}

func TestMeasureUnknown(t *testing.T) {
	var output bytes.Buffer
	if status := runMeasurements(&settings{measure: "weight"}, &output); status != 2 || !strings.Contains(output.String(), "weight") {
		t.Errorf("status %d: %s", status, &output)
	}
}

// TestPairs is the determinism of a few seeds, on one processor and on all.
func TestPairs(t *testing.T) {
	s := settings{pairs: 4, first: 1, workers: 2}
	base, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	base.Duration = 2e9
	var output bytes.Buffer
	if status := runPairs(&s, base, &output); status != 0 || !strings.Contains(output.String(), `"mismatches":0`) {
		t.Errorf("status %d: %s", status, &output)
	}
}
