// SPDX-License-Identifier: Apache-2.0

//go:build unix

package load

import (
	"runtime"
	"syscall"
	"time"
)

// processUsage returns the processor time of the process and its largest resident size.
func processUsage() (time.Duration, float64) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	unit := 1024.0
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(u.Maxrss) * unit / (1 << 20)
}
