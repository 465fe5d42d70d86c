// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package vfs

import "os"

// syncData is a whole sync where the standard library has no lesser one. On darwin
// it flushes the disk's own cache too, as os.File.Sync does there.
func syncData(file *os.File) error { return file.Sync() }
