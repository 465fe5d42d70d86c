// SPDX-License-Identifier: Apache-2.0

package load

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake applies each command on all machines at once; it may go wrong in several ways.
type fake struct {
	mu       sync.Mutex
	machines [Replicas]*Counter
	calls    int
	fail     func(call int) error
	apply    func(call int) int
}

func (f *fake) Propose(command []byte) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if err := f.fail(f.calls); err != nil {
		return 0, err
	}
	var result uint64
	for i, machine := range f.machines {
		machine.Lock()
		for range f.apply(f.calls*Replicas + i) {
			result = machine.Apply(command)
		}
		machine.Unlock()
	}
	return result, nil
}

func (*fake) Stats() Stats { return Stats{} }
func (*fake) Close() error { return nil }

func TestCell(t *testing.T) {
	once := func(int) int { return 1 }
	never := func(int) error { return nil }
	for name, test := range map[string]struct {
		fail    func(int) error
		apply   func(int) int
		invalid string
	}{
		"good":  {never, once, ""},
		"error": {func(call int) error { return map[bool]error{true: errors.New("lost")}[call == 3] }, once, "lost"},
		"applied twice": {never, func(call int) int {
			return 1 + map[bool]int{true: 1}[call/Replicas == 5]
		}, "disagree"},
		"diverged": {never, func(call int) int {
			return 1 + map[bool]int{true: 1}[call == 5*Replicas+1]
		}, "disagree"},
	} {
		t.Run(name, func(t *testing.T) {
			c := cell{clients: 3, payload: CommandBytesMin, warmup: time.Millisecond, window: 5 * time.Millisecond}
			r, err := c.run(Peer{Name: "fake", Open: func(_ string, machines [Replicas]*Counter) (System, error) {
				return &fake{machines: machines, fail: test.fail, apply: test.apply}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if (test.invalid == "") != (r.Invalid == "") || !strings.Contains(r.Invalid, test.invalid) {
				t.Fatalf("invalid is %q, want %q", r.Invalid, test.invalid)
			}
			if r.Ops == 0 || r.OpsPerSecond == 0 {
				t.Fatalf("no operations in %+v", r)
			}
		})
	}
}

func TestHashDependsOnOrder(t *testing.T) {
	var states []State
	first, second := make([]byte, CommandBytesMin), make([]byte, CommandBytesMin)
	second[0], second[8] = 1, 1
	for _, order := range [][][]byte{{first, second}, {second, first}} {
		var c Counter
		c.Lock()
		for _, command := range order {
			c.Apply(command)
		}
		c.Unlock()
		states = append(states, c.Await(t.Context(), 2))
	}
	if states[0] == states[1] {
		t.Fatalf("the order made no difference: %v", states)
	}
}

func TestVersionNames(t *testing.T) {
	for module, want := range map[string]string{
		"github.com/hashicorp/raft":    "hashicorp/raft",
		"go.etcd.io/etcd/server/v3":    "etcd/server",
		"github.com/lni/dragonboat/v4": "lni/dragonboat",
	} {
		if got := shortName(module); got != want {
			t.Errorf("%s is called %s, want %s", module, got, want)
		}
	}
}
