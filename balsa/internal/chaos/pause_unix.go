// SPDX-License-Identifier: Apache-2.0

//go:build unix

package chaos

import (
	"os"
	"syscall"
)

// CanPause says whether processes can be paused here.
const CanPause = true

func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
