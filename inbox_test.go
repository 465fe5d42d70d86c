// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// inboxBench submits to an inbox and remembers who was let in, in order.
type inboxBench struct {
	*inbox
	mu     sync.Mutex
	inside []string
}

// submitting submits in the background, and returns when that waits or is done.
func (b *inboxBench) submitting(ctx context.Context, name string, bytes int) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, _, err := b.submit(ctx, &request{bytes: bytes})
		if err == nil {
			b.mu.Lock()
			b.inside = append(b.inside, name)
			b.mu.Unlock()
		}
		ended <- err
	}()
	synctest.Wait()
	return ended
}

func (b *inboxBench) expect(t *testing.T, pending int, want ...string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.inside, want) || b.pendingBytes != pending {
		t.Errorf("let in %v, %d bytes pending; want %v, %d", b.inside, b.pendingBytes, want, pending)
	}
}

func TestRoomIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &inboxBench{inbox: newInbox(100)}
		ctx := t.Context()
		b.submitting(ctx, "a", 90)
		b.submitting(ctx, "large", 60)
		b.submitting(ctx, "small", 10) // Would fit, but is not to overtake.
		b.expect(t, 90, "a")
		b.release(49)
		b.expect(t, 41, "a")
		b.release(1)
		b.expect(t, 100, "a", "large")
		b.release(40)
		b.expect(t, 70, "a", "large", "small")
		b.submitting(ctx, "last", 30)
		b.expect(t, 100, "a", "large", "small", "last")
		b.release(100)
		b.expect(t, 0, "a", "large", "small", "last")
	})
}

func TestOneLargeRequestIsLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &inboxBench{inbox: newInbox(100)}
		b.submitting(t.Context(), "a", 1)
		b.submitting(t.Context(), "huge", 1000)
		b.submitting(t.Context(), "b", 1)
		b.expect(t, 1, "a")
		b.release(1)
		b.expect(t, 1000, "a", "huge")
		b.release(1000)
		b.expect(t, 1, "a", "huge", "b")
		b.release(1)
	})
}

func TestWhoLeavesLetsTheOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &inboxBench{inbox: newInbox(100)}
		cause := errors.New("no patience")
		ctx, cancel := context.WithCancelCause(t.Context())
		b.submitting(t.Context(), "a", 90)
		left := b.submitting(ctx, "large", 60)
		b.submitting(t.Context(), "small", 10)
		cancel(cause)
		if err := <-left; !errors.Is(err, ErrTooBusy) || !errors.Is(err, cause) {
			t.Errorf("who leaves gets %v, want ErrTooBusy and the context's cause", err)
		}
		b.expect(t, 100, "a", "small")
		b.release(100)
		b.expect(t, 0, "a", "small")
	})
}

func TestRefusingEndsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &inboxBench{inbox: newInbox(100)}
		b.submitting(t.Context(), "a", 90)
		first, second := b.submitting(t.Context(), "b", 60), b.submitting(t.Context(), "c", 60)
		b.refuse()
		for _, ended := range []<-chan error{first, second, b.submitting(t.Context(), "d", 1)} {
			if err := <-ended; !errors.Is(err, ErrStopped) {
				t.Errorf("a closed inbox answers %v", err)
			}
		}
		b.refuse() // Harmless.
		b.release(90)
		b.expect(t, 0, "a")
	})
}

// TestNoRoomIsLost has many callers, some of them impatient, and a loop that takes and
// releases; in the end nothing is reserved, though the inbox is closed in the middle.
func TestNoRoomIsLost(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			b := newInbox(100)
			stop := make(chan struct{})
			var loop, callers sync.WaitGroup
			loop.Go(func() { takeAndRelease(t, b, seed, stop) })
			for caller := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, caller))
				callers.Go(func() {
					for range 50 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20))*time.Millisecond)
						_, _, err := b.submit(ctx, &request{bytes: 1 + random.IntN(60)})
						if err != nil && !errors.Is(err, ErrTooBusy) && !errors.Is(err, ErrStopped) {
							t.Errorf("submit: %v", err)
						}
						cancel()
					}
				})
			}
			if seed%2 == 1 {
				time.Sleep(time.Duration(seed) * time.Millisecond)
				b.refuse()
			}
			callers.Wait()
			close(stop)
			loop.Wait()
			if b.pendingBytes != 0 || len(b.room) != 0 {
				t.Errorf("seed %d: %d bytes are reserved for nobody, %d wait", seed, b.pendingBytes, len(b.room))
			}
		})
	}
}

func takeAndRelease(t *testing.T, b *inbox, seed uint64, stop chan struct{}) {
	random := rand.New(rand.NewPCG(seed, 1<<32))
	var in intake
	for {
		b.take(&in)
		for _, r := range in.requests {
			b.mu.Lock()
			pending := b.pendingBytes
			b.mu.Unlock()
			if pending > b.pendingBytesMax {
				t.Errorf("%d bytes are let in, %d may be", pending, b.pendingBytesMax)
			}
			if random.IntN(3) == 0 {
				time.Sleep(time.Millisecond)
			}
			b.release(r.bytes)
		}
		wasEmpty := in.isEmpty()
		in.reset()
		select {
		case <-stop:
			if wasEmpty {
				return
			}
		case <-time.After(time.Millisecond):
		}
	}
}

func TestTheLoopIsWokenOnce(t *testing.T) {
	b := newInbox(100)
	var in intake
	wakers := map[string]func() bool{
		"submit": func() bool {
			slept, _, _ := b.submit(t.Context(), &request{bytes: 1})
			return slept
		},
		"deliver":     func() bool { return b.deliver(2, []wire.Envelope{{Message: &wire.Heartbeat{}}}) },
		"unreachable": func() bool { return b.unreachable(2) },
		"logSynced":   func() bool { return b.logSynced(9) },
		"fail":        func() bool { return b.fail(errors.New("x")) },
		"stop":        func() bool { return b.stop() },
		"ask": func() bool {
			slept, ok := b.ask(control{})
			return slept && ok
		},
	}
	for name, leave := range wakers {
		for b.take(&in) { // Until it sleeps.
			in.reset()
		}
		if !leave() {
			t.Errorf("%s does not wake a loop that sleeps", name)
		}
		if leave() {
			t.Errorf("%s wakes a loop that was woken", name)
		}
		if !b.take(&in) || in.isEmpty() {
			t.Errorf("%s leaves nothing", name)
		}
		in.reset()
	}
}

func TestIntake(t *testing.T) {
	b := newInbox(100)
	b.logSynced(7)
	b.logSynced(5)
	b.entriesApplied(4)
	b.entriesApplied(3)
	for _, peer := range []NodeID{2, 3, 2} {
		b.unreachable(peer)
	}
	first := errors.New("first")
	b.fail(first)
	b.fail(errors.New("second"))
	b.deliver(2, []wire.Envelope{{Message: &wire.Heartbeat{Term: 1}}, {Message: &wire.Heartbeat{Term: 2}}})
	b.deliver(3, []wire.Envelope{{Message: &wire.Heartbeat{Term: 3}}})
	var in intake
	if !b.take(&in) {
		t.Fatal("nothing was left")
	}
	terms := ""
	for _, d := range in.messages {
		terms += fmt.Sprint(d.from, ":", d.message.(*wire.Heartbeat).Term, " ")
	}
	if in.synced != 7 || in.applied != 4 || fmt.Sprint(in.unreachable) != "[2 3]" || in.failure != first || terms != "2:1 2:2 3:3 " {
		t.Errorf("took %+v, messages %q", in, terms)
	}
	in.reset()
	if !in.isEmpty() || b.take(&in) {
		t.Error("it is there twice")
	}
}

func TestTheInboxDropsMessagesBeyondItsBound(t *testing.T) {
	b := newInbox(100)
	large := &wire.AppendEntries{Entries: []wire.Entry{{Data: make([]byte, inboxBytesMax/2)}}}
	small := &wire.Heartbeat{}
	b.deliver(2, []wire.Envelope{{Message: large}, {Message: large}, {Message: small}})
	var in intake
	if b.take(&in); len(in.messages) != 2 || b.dropped != 1 {
		t.Errorf("took %d messages, dropped %d, want the second large one dropped", len(in.messages), b.dropped)
	}
	in.reset()
	b.deliver(2, []wire.Envelope{{Message: large}})
	if b.take(&in); len(in.messages) != 1 {
		t.Error("there is no room again")
	}
	in.reset()
	b.refuse()
	b.deliver(2, []wire.Envelope{{Message: small}})
	if b.take(&in) {
		t.Error("a closed inbox takes messages")
	}
}
