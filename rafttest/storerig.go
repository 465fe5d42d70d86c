// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// storeRig is a store under test with what it should hold of all groups: what is the same for
// logs and for snapshots.
type storeRig[Store io.Closer, Models storeModels[Store]] struct {
	t      testing.TB
	store  Store
	models Models
	closed bool
	// reopens and crashes are the suite's, and nil if it says nothing about that.
	reopens, crashes func(t testing.TB, store Store) Store
}

// storeModels compares a store with what it should hold.
type storeModels[Store any] interface{ verify(store Store) error }

func (r *storeRig[Store, Models]) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *storeRig[Store, Models]) close() {
	if r.closed {
		return
	}
	r.closed = true
	r.end(r.store)
}

// end closes a store, which may be another one than is under test.
func (r *storeRig[Store, Models]) end(store Store) {
	if err := store.Close(); err != nil {
		r.t.Errorf("close: %v", err)
	}
}

func (r *storeRig[Store, Models]) reopen() {
	r.t.Helper()
	r.close()
	r.store, r.closed = r.reopens(r.t, r.store), false
}

// crash goes on with what a power failure leaves.
func (r *storeRig[Store, Models]) crash() {
	r.t.Helper()
	old := r.store
	r.store = r.crashes(r.t, old)
	r.end(old)
}

func (r *storeRig[Store, Models]) verify(when string, args ...any) {
	r.t.Helper()
	if err := r.models.verify(r.store); err != nil {
		r.t.Fatalf("%s: %v", fmt.Sprintf(when, args...), err)
	}
}

// crashDuring takes so many steps, and crashes at any moment: what is left must be one of the
// states that the steps go through, and not before that of the last step that had returned. The
// store is in states[ends[n]] behind n steps.
func (r *storeRig[Store, Models]) crashDuring(steps int, take func(step int) error, states []Models, ends []int) {
	r.t.Helper()
	var begun, done atomic.Int64
	ended := make(chan error, 1)
	go func() {
		for step := range steps {
			begun.Add(1)
			if err := take(step); err != nil {
				ended <- err
				return
			}
			done.Add(1)
		}
		ended <- nil
	}()
	for done.Load() < int64(steps) && len(ended) == 0 {
		least := ends[done.Load()]
		crashed := r.crashes(r.t, r.store)
		most := ends[begun.Load()]
		if err := findState(crashed, states[least:most+1]); err != nil {
			r.t.Errorf("a crash in one of states %d to %d: %v", least, most, err)
		}
		r.end(crashed)
	}
	r.must(<-ended)
}

// findState looks for a state that a store is in.
func findState[Store any, Models storeModels[Store]](store Store, states []Models) error {
	var err error
	for _, models := range states {
		if err = models.verify(store); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the store holds none of the %d states it may; the last one differs: %w", len(states), err)
}

// besideReaders is how many goroutines read while others write.
const besideReaders = 3

// readBeside reads again and again from several goroutines, until all is written.
func readBeside(t testing.TB, read func(random *rand.Rand) error, write func() error) {
	t.Helper()
	var readers sync.WaitGroup
	var ended atomic.Bool
	errs := make(chan error, besideReaders+1)
	for reader := range uint64(besideReaders) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(reader, 2))
			for !ended.Load() {
				if err := read(random); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	func() {
		defer readers.Wait()
		defer ended.Store(true) // Though write may end the test.
		if err := write(); err != nil {
			errs <- err
		}
	}()
	select {
	case err := <-errs:
		t.Fatalf("reading beside writes: %v", err)
	default:
	}
}
