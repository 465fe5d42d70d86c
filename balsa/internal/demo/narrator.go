// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// narrator writes what happens, line by line, and progress in between: in place on a
// terminal, elsewhere now and then.
type narrator struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	began    time.Time
	// inPlace says that the cursor stands behind progress.
	inPlace  bool
	reported time.Time
}

// reportInterval is how often progress is written where it takes a line each time.
const reportInterval = time.Second

func newNarrator(out io.Writer) *narrator {
	return &narrator{out: out, terminal: isTerminal(out), began: time.Now()}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// line writes a line.
func (n *narrator) line(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clear()
	fmt.Fprintf(n.out, format+"\n", args...)
}

// event writes a line with the time.
func (n *narrator) event(format string, args ...any) {
	n.line("[%5.1f s] %s", time.Since(n.began).Seconds(), fmt.Sprintf(format, args...))
}

// progress writes what will be outdated soon.
func (n *narrator) progress(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := fmt.Sprintf("[%5.1f s]   %s", time.Since(n.began).Seconds(), fmt.Sprintf(format, args...))
	if n.terminal {
		fmt.Fprintf(n.out, "\r%-78s", text)
		n.inPlace = true
		return
	}
	if time.Since(n.reported) >= reportInterval {
		n.reported = time.Now()
		fmt.Fprintln(n.out, text)
	}
}

func (n *narrator) clear() {
	if n.inPlace {
		fmt.Fprint(n.out, "\r", strings.Repeat(" ", 78), "\r")
		n.inPlace = false
	}
}

// grouped writes a number with commas between the thousands.
func grouped(n int64) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
