// SPDX-License-Identifier: Apache-2.0

package load

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"runtime/debug"
	"strings"
	"time"
)

// Main is the whole main function of a peer's program: it runs the cell that the
// command line asks for and prints its Result as one line of JSON, or, with the only
// argument "version", what was linked in. It exits with 1 if the cell could not be
// run; a cell that ran but does not count is printed too.
func Main(peer Peer) {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(versions(peer.Modules))
		return
	}
	c, err := parse(peer.Name, os.Args[1:])
	if err == nil {
		err = report(c, peer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(name string, args []string) (cell, error) {
	var c cell
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&c.dir, "dir", "", "an empty folder for the logs")
	flags.IntVar(&c.clients, "clients", 1, "the number of closed-loop clients")
	flags.IntVar(&c.payload, "payload", 128, "the size of a command in bytes")
	flags.DurationVar(&c.warmup, "warmup", time.Second, "how long to run before measuring")
	flags.DurationVar(&c.window, "window", 5*time.Second, "how long to measure")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.dir == "" || c.clients < 1 || c.payload < CommandBytesMin {
		return c, fmt.Errorf("load: need -dir, -clients of at least 1 and -payload of at least %d", CommandBytesMin)
	}
	return c, nil
}

func report(c cell, peer Peer) error {
	result, err := c.run(peer)
	if err != nil {
		return err
	}
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("load: encode result: %w", err)
	}
	if _, err := fmt.Println(string(line)); err != nil {
		return errors.New("load: print result")
	}
	return nil
}

// versions names the versions of the modules that are linked in.
func versions(modules []string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var found []string
	for _, module := range modules {
		for _, dep := range info.Deps {
			if dep.Path == module {
				found = append(found, shortName(module)+" "+dep.Version)
			}
		}
	}
	return strings.Join(found, ", ")
}

// shortName leaves out a module's host and major version.
func shortName(module string) string {
	if base := path.Base(module); len(base) == 2 && base[0] == 'v' {
		module = path.Dir(module)
	}
	return module[strings.IndexByte(module, '/')+1:]
}
