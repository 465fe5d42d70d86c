// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package vfs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// heldLocks are the locks of this process: on systems without a lock that goes with
// the process, it guards against a second opener in the same process only.
var heldLocks lockTable

func lockFile(path string) (io.Closer, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	lock, err := heldLocks.lock(absolute)
	if err != nil {
		return nil, fmt.Errorf("vfs: lock %s: %w", path, err)
	}
	return lock, nil
}
