// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package tcp

import "syscall"

const canWriteDirectly = false

func writeWithoutWaiting(syscall.RawConn, []byte) int { return 0 }
