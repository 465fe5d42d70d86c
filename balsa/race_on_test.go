// SPDX-License-Identifier: Apache-2.0

//go:build race

package main_test

// raceFlags make the processes look for races, if the test does.
var raceFlags = []string{"-race"}
