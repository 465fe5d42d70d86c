// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"testing"
)

func TestCloseLetsCommandsUnderWayFinish(t *testing.T) {
	g := newFakeGroup()
	g.entered, g.proceed = make(chan struct{}), make(chan struct{})
	s := start(t, g, nil)
	busy, idle := dial(t, s), dial(t, s)
	do(t, idle, "ping")
	busy.Queue("set", "a", "1")
	flush(t, busy)
	<-g.entered
	closed := make(chan error)
	go func() { closed <- s.Close(t.Context()) }()
	if reply, err := idle.Receive(); err == nil {
		t.Errorf("the idle client got %q, want to be disconnected", reply)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned %v while a command was under way", err)
	default:
	}
	close(g.proceed)
	if got := receive(t, busy); got != "+OK" {
		t.Errorf("the busy client got %q", got)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if reply, err := busy.Receive(); err == nil {
		t.Errorf("the busy client got %q after Close", reply)
	}
}

func TestCloseIsBounded(t *testing.T) {
	g := newFakeGroup()
	g.entered, g.proceed = make(chan struct{}), make(chan struct{})
	s := start(t, g, nil)
	c := dial(t, s)
	c.Queue("set", "a", "1")
	flush(t, c)
	<-g.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v, want context.Canceled", err)
	}
	if reply, err := c.Receive(); err == nil && !reply.IsError() {
		t.Errorf("the client got %q", reply)
	}
}

func TestCloseOfAnIdleServer(t *testing.T) {
	s := start(t, newFakeGroup(), nil)
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}
