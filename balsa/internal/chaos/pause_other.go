// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package chaos

import (
	"errors"
	"os"
)

// CanPause says whether processes can be paused here.
const CanPause = false

func pause(*os.Process) error  { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }
