// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/bench/load"
)

func TestTables(t *testing.T) {
	o := options{systems: []string{"raft", "etcd", "limit"}, clients: []int{1, 256}, payloads: []int{128}, gomaxprocs: []int{8}, rounds: 3}
	var results []load.Result
	for round := range 3 {
		for i, system := range o.systems {
			results = append(results,
				load.Result{System: system, Clients: 1, Payload: 128, GOMAXPROCS: 8, OpsPerSecond: float64(100*(i+1) + round), Ops: 1},
				load.Result{System: system, Clients: 256, Payload: 128, GOMAXPROCS: 8, OpsPerSecond: 5000, Ops: 1,
					Invalid: map[bool]string{true: "broken"}[system == "etcd" && round == 1]})
		}
	}
	var out strings.Builder
	if err := printTables(&out, o, results); !errors.Is(err, errInvalid) {
		t.Errorf("the error is %v, want errInvalid", err)
	}
	for _, want := range []string{
		"| raft             |  101 |    5000 |",
		"| etcd             |  201 | invalid |",
		"| raft / best peer | 0.50 |       - |",
		"| raft / limit     | 0.34 |    1.00 |",
		"does not count: etcd, 256 clients, 128 bytes, GOMAXPROCS=8, round 0: broken",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestOptions(t *testing.T) {
	for args, good := range map[string]bool{
		"": true, "-systems raft,limit -clients 1,16 -payload 16 -gomaxprocs 2,8": true,
		"-systems nobody": false, "-clients 0": false, "-clients x": false, "-payload 15": false,
		"-rounds 0": false, "-seconds 0": false, "more": false,
	} {
		if _, err := parseOptions(strings.Fields(args)); (err == nil) != good {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestEveryoneTakesTurns(t *testing.T) {
	o := options{clients: []int{1, 2}, payloads: []int{16}, gomaxprocs: []int{2, 8}, rounds: 2}
	settings := o.settings()
	if len(settings) != 8 || settings[0] != (setting{1, 2, 16, 1}) || settings[7] != (setting{2, 8, 16, 2}) {
		t.Errorf("the settings are %v", settings)
	}
}

func TestCountCalls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counts")
	summary := `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 99.90    1.500000         200      7500           fdatasync
  0.10    0.000100          10        12         1 fsync
------ ----------- ----------- --------- --------- ----------------
100.00    1.500100         199      7512         1 total
`
	if err := os.WriteFile(path, []byte(summary), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := countCalls(path); n != 7512 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
}

func TestParseMount(t *testing.T) {
	point, f := parseMount("36 35 98:0 / /tmp rw,nosuid shared:1 - tmpfs none rw,size=1024k")
	if point != "/tmp" || !f.inMemory() || !within("/tmp/x", point) || within("/tmpx", point) {
		t.Errorf("parsed %q %+v", point, f)
	}
	if point, _ := parseMount("nonsense"); within("/", point) {
		t.Errorf("nonsense was parsed as %q", point)
	}
}
