// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// printHeader says on what the numbers were measured, and warns of what spoils them.
func printHeader(w io.Writer, o options, programs []program) {
	disk := filesystemOf(o.dir)
	load := cmp.Or(firstLine("/proc/loadavg"), "unknown")
	fmt.Fprintf(w, "machine     %d cores, %s, %s/%s\n", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "kernel      %s\n", cmp.Or(firstLine("/proc/sys/kernel/osrelease"), "unknown"))
	fmt.Fprintf(w, "disk        %s\n", disk)
	fmt.Fprintf(w, "go          %s, GOGC=%s\n", runtime.Version(), cmp.Or(os.Getenv("GOGC"), "100"))
	fmt.Fprintf(w, "load before %s\n", load)
	for _, p := range programs {
		fmt.Fprintf(w, "%-11s %s\n", p.system, cmp.Or(p.version, "part of this repository"))
	}
	if disk.inMemory() {
		fmt.Fprintf(w, "WARNING     %s is in memory: syncs cost nothing there, and the numbers mean nothing. Use -dir.\n", o.dir)
	}
	if !strings.HasPrefix(load, "0.") {
		fmt.Fprintln(w, "WARNING     the machine is not idle: do not rely on the numbers.")
	}
	fmt.Fprintln(w)
}

// filesystem is where the logs are.
type filesystem struct{ path, kind, source, options string }

func (f filesystem) String() string {
	return fmt.Sprintf("%s on %s (%s, %s)", f.path, f.source, f.kind, f.options)
}

func (f filesystem) inMemory() bool { return f.kind == "tmpfs" || f.kind == "ramfs" }

// filesystemOf finds the mount point that the path is below, on Linux.
func filesystemOf(path string) filesystem {
	best := filesystem{path, "unknown", "unknown", "unknown"}
	real, err := filepath.Abs(path)
	if err != nil {
		return best
	}
	if resolved, err := filepath.EvalSymlinks(real); err == nil {
		real = resolved
	}
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return best
	}
	defer file.Close()
	longest := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		point, found := parseMount(lines.Text())
		if len(point) >= longest && within(real, point) {
			longest, best = len(point), found
			best.path = path
		}
	}
	return best
}

// parseMount reads a line of mountinfo: "36 35 98:0 /root /point options - type source super".
func parseMount(line string) (point string, f filesystem) {
	before, after, found := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !found || len(left) < 6 || len(right) < 2 {
		return "", f
	}
	return left[4], filesystem{kind: right[0], source: right[1], options: left[5]}
}

func within(path, point string) bool {
	return point != "" && (point == "/" || path == point || strings.HasPrefix(path, point+"/"))
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
