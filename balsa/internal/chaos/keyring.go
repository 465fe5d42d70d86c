// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"sync"
)

// kindsOf are the operations on each family of keys: registers, counters and lists. A
// kind that is there twice is drawn twice as often.
var kindsOf = [3][]Kind{
	{Set, Get, Get, Swap},
	{Increment, Increment, Get},
	{Append, Append, Get},
}

var familyNames = [len(kindsOf)]string{"register", "counter", "list"}

// keyring gives the clients of a group their keys, and fresh ones in time. Its methods
// may be called from any goroutine.
type keyring struct {
	group string

	mu      sync.Mutex
	current [len(kindsOf)]keyUse
}

// keyUse is what a key has been through.
type keyUse struct {
	number, operations, unknown int
}

func newKeyring(group string) *keyring { return &keyring{group: group} }

// key returns the key of a family that is in use.
func (k *keyring) key(family int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.name(family)
}

func (k *keyring) name(family int) string {
	return fmt.Sprintf("%s-%s-%d", k.group, familyNames[family], k.current[family].number)
}

// account takes note of an operation that has its outcome.
func (k *keyring) account(o *Operation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for family := range k.current {
		use := &k.current[family]
		if k.name(family) != o.Key {
			continue
		}
		use.operations++
		if o.Outcome == Unknown && o.IsWrite() {
			use.unknown++
		}
		if use.operations >= keyOperationsMax || use.unknown >= keyUnknownMax {
			*use = keyUse{number: use.number + 1}
		}
		return
	}
}
