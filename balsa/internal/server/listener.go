// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net"
	"sync"
)

// listener hands out guarded connections. redcon closes all connections as soon as
// its listener fails, so this one holds its failure back until release.
type listener struct {
	net.Listener
	released    chan struct{}
	releaseOnce sync.Once
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, released: make(chan struct{})}
}

// Accept waits for the next client, or after Close for release.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if errors.Is(err, net.ErrClosed) {
			<-l.released
		}
		return nil, err
	}
	return &guard{Conn: conn}, nil
}

// release lets Accept return its failure.
func (l *listener) release() {
	l.releaseOnce.Do(func() { close(l.released) })
}
