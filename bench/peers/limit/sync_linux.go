// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"syscall"
)

// syncData makes the file's data durable.
func syncData(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
