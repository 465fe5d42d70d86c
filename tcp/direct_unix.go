// SPDX-License-Identifier: Apache-2.0

//go:build unix

package tcp

import "syscall"

const canWriteDirectly = true

// writeWithoutWaiting writes as much as the socket takes at once, and returns how much
// that is. An error counts as nothing: the next write will meet it again.
func writeWithoutWaiting(raw syscall.RawConn, frame []byte) (written int) {
	_ = raw.Write(func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), frame)
		if err == nil {
			written = n
		}
		return true // Never wait for the socket to become writable.
	})
	return written
}
