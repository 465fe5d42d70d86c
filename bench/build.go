// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is a system's program.
type program struct {
	system  string
	path    string
	version string
}

// build builds the programs of the systems. Each is a module of its own, so no
// workspace may join them.
func build(systems []string, bin string) ([]program, error) {
	if _, err := os.Stat("peers"); err != nil {
		return nil, fmt.Errorf("bench: start it in its own folder, with cd bench && go run .: %w", err)
	}
	var programs []program
	for _, system := range systems {
		fmt.Fprintf(os.Stderr, "building %s\n", system)
		p := program{system: system, path: filepath.Join(bin, system+".exe")}
		command := exec.Command("go", "build", "-buildvcs=false", "-o", p.path, ".")
		command.Dir = filepath.Join("peers", system)
		command.Env = append(os.Environ(), "GOWORK=off")
		if output, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("bench: build %s: %w\n%s", system, err, output)
		}
		version, err := exec.Command(p.path, "version").Output()
		if err != nil {
			return nil, fmt.Errorf("bench: start %s: %w", system, err)
		}
		p.version = strings.TrimSpace(string(version))
		programs = append(programs, p)
	}
	return programs, nil
}
