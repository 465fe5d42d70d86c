// SPDX-License-Identifier: Apache-2.0

package kv

import "github.com/balsa-raft/raft"

// Moment says when a state is: it is what a state consists of besides the items.
type Moment struct {
	// Clock is the highest Now of all commands applied, in Unix milliseconds: the time
	// that expiry goes by.
	Clock int64
	// Applied is the last command applied, zero if there is none.
	Applied raft.LogID
}

// Interpreter applies commands to a Store. Both of balsa's engines consist of one, so that
// a command means the same in both. It is used by one goroutine.
type Interpreter struct {
	store  Store
	moment Moment

	// command, arena and number are working space.
	command Command
	arena   []byte
	number  []byte

	// halt is why the interpreter has halted, and halted what it replies since.
	halt   error
	halted []byte
}

// NewInterpreter returns an interpreter that goes on from a moment.
func NewInterpreter(store Store, moment Moment) *Interpreter {
	return &Interpreter{store: store, moment: moment}
}

// Moment returns when the state is.
func (p *Interpreter) Moment() Moment { return p.moment }

// Err returns why the interpreter has halted, nil while it has not. The error wraps ErrUnsupported,
// ErrMalformed, or what Fail was given.
func (p *Interpreter) Err() error { return p.halt }

// Apply applies an entry and returns the reply in the Redis protocol. Replies share
// memory with the items and with each other: they are to be read, not changed.
//
// A command that this version cannot read was written by a newer one: to skip it would make
// this member's state differ from the others'. So it halts the interpreter: the
// state stays as it is, and this and every later command gets an error as its reply. The
// error says that the outcome is unknown, for the other members may well apply them.
func (p *Interpreter) Apply(entry *raft.Entry) []byte {
	if p.halt != nil {
		return p.halted
	}
	if err := p.command.Decode(entry.Data); err != nil {
		p.halt, p.halted = err, replyHalted
		return p.halted
	}
	p.moment.Applied = raft.LogID{Term: entry.Term, Index: entry.Index}
	p.moment.Clock = max(p.moment.Clock, p.command.Now)
	p.store.Evict(p.moment.Clock, evictionsPerCommand)
	return operations[p.command.Op].apply(p, &p.command)
}

// Fail halts the interpreter because its Store has failed, and returns what to reply to the commands whose
// effects are lost with it, and to all later ones: that nobody knows here what becomes of them.
func (p *Interpreter) Fail(err error) []byte {
	if p.halt == nil {
		p.halt, p.halted = err, replyFailed
	}
	return replyFailed
}

// find returns the item of a key, nil if there is none that has not expired.
func (p *Interpreter) find(key []byte) *Item {
	i := p.store.Find(key)
	if i == nil || !i.isExpired(p.moment.Clock) {
		return i
	}
	p.store.Remove(i)
	return nil
}
