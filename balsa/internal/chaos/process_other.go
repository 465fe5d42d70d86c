// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package chaos

import "syscall"

// attributes are none: a process that is killed here leaves its children behind.
func attributes() *syscall.SysProcAttr { return nil }
