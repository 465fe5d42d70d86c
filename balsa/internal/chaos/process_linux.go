// SPDX-License-Identifier: Apache-2.0

package chaos

import "syscall"

// attributes make a process end with the one that started it, whatever ends that. The
// kernel goes by the thread, but Go keeps threads that no goroutine has locked.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
