// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Kind is what an operation does to its key.
type Kind string

// The kinds of operations.
const (
	// Get returns the value, empty if there is none.
	Get Kind = "get"
	// Set replaces the value by the argument.
	Set Kind = "set"
	// Swap replaces the value by the argument and returns the one before.
	Swap Kind = "swap"
	// Increment adds one to a number, which is zero at first, and returns the sum.
	Increment Kind = "increment"
	// Append adds the argument to the value's end and returns the new length.
	Append Kind = "append"
)

// Outcome is what the client knows about an operation.
type Outcome string

// The outcomes.
const (
	// Applied means that the operation was answered with a result.
	Applied Outcome = "applied"
	// Refused means that the server said that it was not and will not be applied.
	Refused Outcome = "refused"
	// Unknown means that it may have been applied, may be later, or never.
	Unknown Outcome = "unknown"
)

// Operation is one operation of one client. Arguments are never empty, and no two
// operations that have one have the same.
type Operation struct {
	Client   int    `json:"client"`
	Node     int    `json:"node"` // whom the client was connected to
	Key      string `json:"key"`
	Kind     Kind   `json:"kind"`
	Argument string `json:"argument,omitempty"`
	// Call and Return are when it was sent and when its outcome came, in nanoseconds
	// on the history's clock.
	Call    int64   `json:"call"`
	Return  int64   `json:"return"`
	Outcome Outcome `json:"outcome"`
	// Result is what was answered, decimal for numbers, or why the outcome is none.
	Result string `json:"result"`
}

// IsWrite reports whether the operation changes its key.
func (o *Operation) IsWrite() bool { return o.Kind != Get }

// String writes the operation on one line.
func (o *Operation) String() string {
	return fmt.Sprintf("client %d on node %d: %s %s %s: %s %q, from %v to %v",
		o.Client, o.Node, o.Kind, o.Key, o.Argument, o.Outcome, o.Result, time.Duration(o.Call), time.Duration(o.Return))
}

// History is what clients did and saw. Its methods may be called from any goroutine.
type History struct {
	begun time.Time

	mu         sync.Mutex
	operations []Operation
	counts     map[Outcome]int
}

// NewHistory returns an empty history, whose clock begins now.
func NewHistory() *History {
	return &History{begun: time.Now(), counts: make(map[Outcome]int)}
}

// Now is the time on the history's clock, which never goes backwards.
func (h *History) Now() int64 { return int64(time.Since(h.begun)) }

// Add adds an operation that has its outcome.
func (h *History) Add(o Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
	h.counts[o.Outcome]++
}

// Count returns how many operations have an outcome.
func (h *History) Count(outcome Outcome) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[outcome]
}

// Operations returns a copy of all operations so far.
func (h *History) Operations() []Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.operations)
}

// WriteTo writes the history as one JSON object a line, in the order of the answers.
func (h *History) WriteTo(w io.Writer) (written int64, err error) {
	for _, o := range h.Operations() {
		line, err := json.Marshal(o)
		if err != nil {
			return written, fmt.Errorf("chaos: write history: %w", err)
		}
		n, err := w.Write(append(line, '\n'))
		written += int64(n)
		if err != nil {
			return written, fmt.Errorf("chaos: write history: %w", err)
		}
	}
	return written, nil
}
