// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || arm64 || riscv64 || loong64 || ppc64le)

package vfs

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// adviseDontNeed is POSIX_FADV_DONTNEED on the architectures named above; others
// have another number or another way to pass the arguments.
const adviseDontNeed = 4

func dropCache(file *os.File) error {
	defer runtime.KeepAlive(file)
	_, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, file.Fd(), 0, 0, adviseDontNeed, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "fadvise", Path: file.Name(), Err: errno}
	}
	return nil
}
