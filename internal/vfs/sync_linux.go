// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// syncData leaves out the metadata that reading does not need, such as the time of
// the last change: in a file whose blocks were all written before, it costs the
// file system no commit of its journal.
func syncData(file *os.File) error {
	defer runtime.KeepAlive(file)
	for {
		err := syscall.Fdatasync(int(file.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) { // Interrupted before it began; nothing failed.
			return &fs.PathError{Op: "fdatasync", Path: file.Name(), Err: err}
		}
	}
}
