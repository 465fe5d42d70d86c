// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"io"
	"sync"
)

// lockTable is a set of names that are locked within this process. Its zero value
// is empty.
type lockTable struct {
	mu   sync.Mutex
	held map[string]bool
}

func (t *lockTable) lock(name string) (io.Closer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[name] {
		return nil, ErrLocked
	}
	if t.held == nil {
		t.held = make(map[string]bool)
	}
	t.held[name] = true
	return &heldLock{table: t, name: name}, nil
}

type heldLock struct {
	table *lockTable
	name  string
	once  sync.Once
}

// Close gives the lock back; a second call does nothing.
func (l *heldLock) Close() error {
	l.once.Do(func() {
		l.table.mu.Lock()
		defer l.table.mu.Unlock()
		delete(l.table.held, l.name)
	})
	return nil
}
