// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
)

// Result is what became of a command that was applied.
type Result struct {
	// LogID is the command's place in the log.
	LogID LogID
	// Value is what the state machine returned for it.
	Value []byte
}

// Propose replicates a command and waits until the leader has applied it. On a member
// that does not lead, the command goes to the leader, unless forwarding is off;
// while no leader is known, it waits for one.
//
// The error says what became of the command: it wraps ErrNotApplied,
// ErrOutcomeUnknown or ErrStopped. If ctx ends first, the command is withdrawn if
// nobody has appended it yet, which makes ErrNotApplied; otherwise the outcome is
// unknown. The command must not be changed after the call, even if it fails. Propose
// may be called from any goroutine but the state machine's.
func (g *Group) Propose(ctx context.Context, command []byte) (Result, error) {
	if err := g.checkCommand(command); err != nil {
		return Result{}, err
	}
	r := g.requests.get(command)
	if err := g.submit(ctx, r); err != nil {
		return Result{}, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if err, left := g.leave(ctx, r); left {
			return Result{}, err
		}
		<-r.done
	}
	err := r.err
	var result Result
	if err == nil {
		result = r.results[0]
	}
	g.requests.put(r)
	return result, err
}

// ProposeBatch replicates commands in the order given, next to each other in the log,
// and waits until all are applied. If it fails, the results are those of the commands
// that are known to be applied, which come first, and the error is what became of the
// others, as with Propose. The slice and the commands must not be changed after the call.
//
// The commands together count against the limits of one command: they may take at
// most GroupConfig.PendingBytesMax, and each at most CommandBytesMax.
func (g *Group) ProposeBatch(ctx context.Context, commands [][]byte) ([]Result, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	r := &request{commands: commands, done: make(chan struct{}, 1), results: make([]Result, 0, len(commands))}
	for _, command := range commands {
		if err := g.checkCommand(command); err != nil {
			return nil, err
		}
		r.bytes += commandBytes(command)
	}
	if r.bytes > g.cfg.PendingBytesMax {
		return nil, fmt.Errorf("%w: a batch of %d bytes, the most is %d", ErrTooLarge, r.bytes, g.cfg.PendingBytesMax)
	}
	if err := g.submit(ctx, r); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if err, left := g.leave(ctx, r); left {
			return nil, err
		}
		<-r.done
	}
	return r.results, r.err
}

// ProposeAsync replicates a command without waiting for its outcome, for callers that
// keep many in flight. It waits, under ctx, only for room (see
// GroupConfig.PendingBytesMax). If it returns nil, done is called exactly once, with
// what Propose would have returned; if it returns an error, done is never called and
// the command was surely not applied.
//
// done runs on a goroutine of the library, in index order for commands applied here: it
// must not block, and must not call this group but for ProposeAsync with a context that has ended.
func (g *Group) ProposeAsync(ctx context.Context, command []byte, done func(Result, error)) error {
	if err := g.checkCommand(command); err != nil {
		return err
	}
	r := &request{callback: done, bytes: commandBytes(command)}
	r.oneCommand[0] = command
	r.commands, r.results = r.oneCommand[:], r.oneResult[:0]
	return g.submit(ctx, r)
}

// submit leaves a request in the inbox. Only a lone caller takes the loop's turn
// itself: where there are several, they had better be one batch.
func (g *Group) submit(ctx context.Context, r *request) error {
	slept, alone, err := g.inbox.submit(ctx, r)
	if slept {
		g.awake(alone)
	}
	return err
}

func (g *Group) checkCommand(command []byte) error {
	if len(command) > g.cfg.CommandBytesMax {
		return fmt.Errorf("%w: %d bytes, the most is %d", ErrTooLarge, len(command), g.cfg.CommandBytesMax)
	}
	return nil
}

// leave ends a caller's wait because its context has ended. left is false if the
// request is being withdrawn by nobody: it was finished already.
func (g *Group) leave(ctx context.Context, r *request) (err error, left bool) {
	cause := context.Cause(ctx)
	if r.state.CompareAndSwap(requestQueued, requestWithdrawn) {
		if g.inbox.withdrawn() {
			g.awake(false) // Its room is for others now.
		}
		return errors.Join(ErrNoLeader, cause), true
	}
	if r.state.CompareAndSwap(requestTaken, requestAbandoned) {
		return &UnknownOutcomeError{LogID: r.logID(), Cause: cause}, true
	}
	return nil, false
}
