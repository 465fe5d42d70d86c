// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// layer is a set of tests: those of one package, or a program that tests. Without a bug
// all of them must pass.
type layer struct {
	name      string
	folder    string // of the package, in the module
	isProgram bool
	// arguments go to the tests, with -test.run or without, or to the program.
	arguments []string
}

// baselineMax bounds the tests of a whole layer, on a busy machine.
const baselineMax = 8 * time.Minute

// layers are those that mutants name.
var layers = []layer{
	// The rules of the paper one by one, and whole clusters under random faults.
	{name: "core", folder: "internal/core", arguments: []string{"-seeds", "600"}},
	{name: "quorum", folder: "internal/quorum"},
	{name: "logindex", folder: "internal/logindex"},
	{name: "progress", folder: "internal/progress"},
	// Crash images, faults at every operation, and damage at every byte.
	{name: "wal", folder: "wal"},
	{name: "logwriter", folder: "internal/logwriter"},
	{name: "logcache", folder: "internal/logcache"},
	{name: "peer", folder: "internal/peer"},
	{name: "applier", folder: "internal/applier"},
	// Snapshots in files, crash by crash and byte by byte, and on their way between members.
	{name: "snapdir", folder: "snapdir"},
	{name: "snapshotter", folder: "internal/snapshotter"},
	// Nodes of the real runtime, in bubbles of virtual time.
	{name: "runtime", folder: "."},
	// All behaviours of three cores within small bounds: two elections with two crashes;
	// writes that take their time, a command and two crashes; and logs that contradict
	// each other.
	{name: "mc-elections", folder: "cmd/raftmc", isProgram: true, arguments: []string{"-scope", "mc2", "-part", "2"}},
	{name: "mc-crashes", folder: "cmd/raftmc", isProgram: true, arguments: []string{"-scope", "mc2", "-part", "3"}},
	{name: "mc-contradictions", folder: "cmd/raftmc", isProgram: true, arguments: []string{"-scope", "mc1", "-part", "6"}},
	// Whole clusters of the production code in virtual time, under every fault.
	{name: "sim", folder: "internal/sim", arguments: []string{"-test.short"}},
	// The same on more seeds: for what is rare, or seen by the specification of internal/refine only.
	{name: "sim-seeds", folder: "internal/sim", arguments: []string{"-test.run=^TestSeeds$"}},
}

// commandLine returns the arguments for those tests that run matches, "" being all.
func (l *layer) commandLine(run string) []string {
	if l.isProgram {
		return l.arguments
	}
	line := append([]string{"-test.failfast", "-test.timeout=0"}, l.arguments...)
	if run != "" {
		line = append(line, "-test.run="+run)
	}
	return line
}

func findLayer(all []layer, name string) (layer, bool) {
	for _, l := range all {
		if l.name == name {
			return l, true
		}
	}
	return layer{}, false
}
