// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wire"
)

var (
	// ErrLost means that an acknowledged write is not in the committed log.
	ErrLost = errors.New("chaos: acknowledged write is lost")
	// ErrRepeated means that a write is there more often than it was sent.
	ErrRepeated = errors.New("chaos: write was applied more than once")
	// ErrRefusedApplied means that a write is there of which a node said it never would be.
	ErrRefusedApplied = errors.New("chaos: refused write was applied")
	// ErrInvented means that a write is there that nobody sent.
	ErrInvented = errors.New("chaos: write that nobody sent")
	// ErrWrongResult means that a client was given another result than the log has.
	ErrWrongResult = errors.New("chaos: write has another result than the client was given")
	// ErrOrder means that a write stands before one that had ended before it began.
	ErrOrder = errors.New("chaos: log disagrees with real time")
	// ErrWrongState means that a state machine has another value than the log leads to.
	ErrWrongState = errors.New("chaos: state disagrees with the log")
)

// written is one write as it stands in the log.
type written struct {
	index  raft.Index
	result string // of the specification
}

// Witness knows what the committed log has done with each write.
type Witness struct {
	// writes are those with an argument, by key and argument; increments are by key,
	// in the order of the log.
	writes     map[string][]written
	increments map[string][]written
	values     map[string]string
}

// NewWitness carries out the committed log by the specification. Commands that no Load
// sends are an error.
func NewWitness(entries []raft.Entry) (*Witness, error) {
	w := &Witness{writes: make(map[string][]written), increments: make(map[string][]written), values: make(map[string]string)}
	for _, entry := range entries {
		if entry.Kind != wire.EntryCommand {
			continue
		}
		var c kv.Command
		if err := c.Decode(entry.Data); err != nil {
			return nil, fmt.Errorf("chaos: entry %v: %w", entry.ID(), err)
		}
		o, err := operationOf(&c)
		if err != nil {
			return nil, fmt.Errorf("chaos: entry %v: %w", entry.ID(), err)
		}
		w.add(entry.Index, &o)
	}
	return w, nil
}

// operationOf translates a command back.
func operationOf(c *kv.Command) (Operation, error) {
	kinds := map[kv.Op]Kind{
		kv.OpGet: Get, kv.OpSet: Set, kv.OpGetSet: Swap, kv.OpIncrBy: Increment, kv.OpAppend: Append,
	}
	kind, ok := kinds[c.Op]
	if !ok || c.Flags != 0 || kind == Increment && c.Number != 1 {
		return Operation{}, fmt.Errorf("%w: operation %d, flags %#x, number %d", ErrInvented, c.Op, c.Flags, c.Number)
	}
	o := Operation{Key: string(c.Args[0]), Kind: kind}
	if len(c.Args) > 1 {
		o.Argument = string(c.Args[1])
	}
	return o, nil
}

func (w *Witness) add(index raft.Index, o *Operation) {
	if !o.IsWrite() {
		return
	}
	next, result := step(w.values[o.Key], o)
	w.values[o.Key] = next
	if o.Kind == Increment {
		w.increments[o.Key] = append(w.increments[o.Key], written{index, result})
		return
	}
	w.writes[nameOf(o)] = append(w.writes[nameOf(o)], written{index, result})
}

// nameOf tells a write with an argument from all others.
func nameOf(o *Operation) string { return fmt.Sprint(o.Key, " ", o.Kind, " ", o.Argument) }

// Check compares the log with what clients saw. The error wraps all kinds of problems
// that there are.
func (w *Witness) Check(operations []Operation) error {
	var errs []error
	known := make(map[string]bool)
	placed := make(map[raft.Index]*Operation)
	for i := range operations {
		o := &operations[i]
		if !o.IsWrite() || o.Kind == Increment {
			continue
		}
		known[nameOf(o)] = true
		places := w.writes[nameOf(o)]
		errs = append(errs, judge(o, places))
		if o.Outcome == Applied && len(places) > 0 {
			placed[places[0].index] = o
		}
	}
	for name := range w.writes {
		if !known[name] {
			errs = append(errs, fmt.Errorf("%w: %s", ErrInvented, name))
		}
	}
	errs = append(errs, w.checkIncrements(operations, placed))
	return errors.Join(append(errs, checkOrder(placed))...)
}

// judge compares how often a write is there with how often it may be.
func judge(o *Operation, places []written) error {
	switch {
	case o.Outcome == Refused && len(places) > 0:
		return fmt.Errorf("%w, at index %d: %v", ErrRefusedApplied, places[0].index, o)
	case len(places) > 1:
		return fmt.Errorf("%w, at index %d and %d: %v", ErrRepeated, places[0].index, places[1].index, o)
	case o.Outcome == Applied && len(places) == 0:
		return fmt.Errorf("%w: %v", ErrLost, o)
	case o.Outcome == Applied && places[0].result != o.Result:
		return fmt.Errorf("%w, %q at index %d: %v", ErrWrongResult, places[0].result, places[0].index, o)
	}
	return nil
}

// checkIncrements finds the acknowledged ones by their results, and counts the others.
func (w *Witness) checkIncrements(operations []Operation, placed map[raft.Index]*Operation) error {
	var errs []error
	unanswered := make(map[string]int)
	for key, places := range w.increments {
		unanswered[key] = len(places)
	}
	unknown := make(map[string]int)
	for i := range operations {
		o := &operations[i]
		switch {
		case o.Kind != Increment || o.Outcome == Refused:
			continue
		case o.Outcome == Unknown:
			unknown[o.Key]++
			continue
		}
		unanswered[o.Key]--
		places := w.increments[o.Key]
		n, err := strconv.Atoi(o.Result)
		switch {
		case err != nil || n < 1 || n > len(places):
			errs = append(errs, fmt.Errorf("%w: of %d increments in the log: %v", ErrLost, len(places), o))
		case placed[places[n-1].index] != nil:
			errs = append(errs, fmt.Errorf("%w: %v and %v", ErrWrongResult, placed[places[n-1].index], o))
		default:
			placed[places[n-1].index] = o
		}
	}
	for key, count := range unanswered {
		if count < 0 {
			errs = append(errs, fmt.Errorf("%w: %d increments of %s", ErrLost, -count, key))
		}
		if count > unknown[key] {
			errs = append(errs, fmt.Errorf("%w: %d increments of %s were not acknowledged, and only %d may have been applied",
				ErrRepeated, count, key, unknown[key]))
		}
	}
	return errors.Join(errs...)
}

// checkOrder checks that no write stands before one that was answered before it was sent.
func checkOrder(placed map[raft.Index]*Operation) error {
	indexes := make([]raft.Index, 0, len(placed))
	for index := range placed {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	var latest *Operation // of those before, the one that was sent last
	for _, index := range indexes {
		o := placed[index]
		if latest != nil && o.Return < latest.Call {
			return fmt.Errorf("%w: at index %d: %v, but before it: %v", ErrOrder, index, o, latest)
		}
		if latest == nil || o.Call > latest.Call {
			latest = o
		}
	}
	return nil
}

// CheckState compares a state machine that has applied the log with the specification.
func (w *Witness) CheckState(state []kv.KeyValue) error {
	if len(state) != len(w.values) {
		return fmt.Errorf("%w: it has %d keys instead of %d", ErrWrongState, len(state), len(w.values))
	}
	for _, item := range state {
		if item.Value != w.values[item.Key] || item.ExpireAt != 0 {
			return fmt.Errorf("%w: %s is %q instead of %q", ErrWrongState, item.Key, item.Value, w.values[item.Key])
		}
	}
	return nil
}
