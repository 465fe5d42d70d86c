// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// LoadError says which entries could not be read for a peer. That is normal if the log has
// been compacted meanwhile: First is then below the log's first entry, and a snapshot follows. Anything
// else is an error of the log store.
type LoadError struct {
	First wire.Index
	Err   error
}

// Error describes what could not be read.
func (e *LoadError) Error() string { return fmt.Sprintf("read entries from %d: %v", e.First, e.Err) }

// Unwrap returns what the log store said.
func (e *LoadError) Unwrap() error { return e.Err }
