// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft"
)

// encoded returns the machine's snapshot.
func encoded(t testing.TB, m *Machine) []byte {
	t.Helper()
	c, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	data, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// restored returns a new machine with the state of a snapshot.
func restored(t testing.TB, snapshot []byte) *Machine {
	t.Helper()
	m := NewMachine()
	if err := m.Restore(bytes.NewReader(snapshot)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSnapshotIsGolden(t *testing.T) {
	p := &player{machine: NewMachine(), index: 6}
	p.do(op(OpSet, "a", "1").at(5, 9))
	p.do(op(OpSet, "foobar", "").at(7, 0))
	const want = "62616c73616b7673" + "01000000" + "0700000000000000" +
		"0000000000000000" + "0800000000000000" + "0200000000000000" + "01" +
		"07" + "00" + "00" + "666f6f626172" + // foobar stands at 0x85..., a at 0xaf...
		"02" + "01" + "0e" + "61" + "31" +
		"00" + "0200000000000000" + "0700000000000000" + "0100000000000000" + "00"
	if got := hex.EncodeToString(encoded(t, p.machine)); got != want {
		t.Errorf("encoded as %s, want %s", got, want)
	}
}

// TestRestoredMachinesHaveTheSameFuture also meets keys that have expired and not been freed.
func TestRestoredMachinesHaveTheSameFuture(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 3))
		entries := randomLog(random, 1500)
		cut := random.IntN(len(entries))
		whole := NewMachine()
		whole.Apply(entries[:cut])
		resumed := restored(t, encoded(t, whole))
		want, got := whole.Apply(entries[cut:]), resumed.Apply(entries[cut:])
		if !slices.EqualFunc(want, got, bytes.Equal) {
			t.Fatalf("seed %d: replies differ behind a snapshot at %d", seed, cut)
		}
		if !bytes.Equal(encoded(t, whole), encoded(t, resumed)) || whole.Summarize() != resumed.Summarize() || whole.Keys() != resumed.Keys() {
			t.Fatalf("seed %d: states differ behind a snapshot at %d", seed, cut)
		}
	}
}

// TestCapturesAreStable opens captures, reads them beside Apply, and closes them in any order.
func TestCapturesAreStable(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 4))
		m, entries := NewMachine(), randomLog(random, 4000)
		var readers sync.WaitGroup
		for len(entries) > 0 {
			n := 1 + random.IntN(min(len(entries), 60))
			m.Apply(entries[:n])
			entries = entries[n:]
			if random.IntN(3) != 0 {
				continue
			}
			want := m.Summarize()
			c, err := m.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			chunk := 1 + random.IntN(5000)
			readers.Go(func() { checkCapture(t, c, chunk, want) })
		}
		readers.Wait()
		if latest := m.memory.captures.latest.Load(); latest != 0 {
			t.Fatalf("a capture of epoch %d is still open", latest)
		}
	}
}

func checkCapture(t *testing.T, c io.ReadCloser, chunk int, want Summary) {
	defer c.Close()
	var data bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&data}, c, make([]byte, chunk)); err != nil {
		t.Error(err)
		return
	}
	m := NewMachine()
	if err := m.Restore(&data); err != nil || m.Summarize() != want {
		t.Errorf("a capture has become %+v, %v; want %+v", m.Summarize(), err, want)
	}
}

// TestOnlyOpenCapturesCost checks that items are copied once under a capture, and never without.
func TestOnlyOpenCapturesCost(t *testing.T) {
	p := newPlayer()
	p.do(op(OpSet, "a", "1"))
	item := func() *Item { return p.machine.memory.byKey["a"] }
	set := func(want string, same bool) {
		t.Helper()
		was := item()
		p.do(op(OpSet, "a", "2"))
		if (was == item()) != same {
			t.Errorf("%s: the item has been kept: %v", want, !same)
		}
	}
	first, _ := p.machine.Snapshot()
	set("the first change under a capture", false)
	set("the second change", true)
	second, _ := p.machine.Snapshot()
	first.Close()
	set("under the second capture alone", false)
	third, _ := p.machine.Snapshot()
	third.Close()
	set("what the second does not share", true)
	second.Close()
	set("under none", true)
	for _, n := range []int{10, 10_000} {
		m := filled(t, n)
		if allocs := testing.AllocsPerRun(10, func() { m.capture().close() }); allocs > 5 {
			t.Errorf("a capture of %d keys makes %g allocations", n, allocs)
		}
	}
}

func TestFlushUnderACapture(t *testing.T) {
	m := filled(t, 1000)
	want := encoded(t, m)
	c, _ := m.Snapshot()
	flush := op(OpFlush)
	m.Apply([]raft.Entry{{Index: 1001, Term: 1, Data: flush.Append(nil)}})
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, want) || m.Keys() != 0 {
		t.Errorf("the capture has become %d bytes, %v; want %d; %d keys left", len(got), err, len(want), m.Keys())
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed capture says %v", err)
	}
}

func TestAHaltedMachineHasNoSnapshot(t *testing.T) {
	p := newPlayer()
	p.machine.Apply([]raft.Entry{{Index: 1, Data: []byte{1, byte(opLast) + 1, 0, 0, 0, 0, 0, 0, 0, 0}}})
	if _, err := p.machine.Snapshot(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Snapshot: %v", err)
	}
	if err := p.machine.Restore(bytes.NewReader(encoded(t, NewMachine()))); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Restore: %v", err)
	}
}

func TestRestoreReturnsTheReadersError(t *testing.T) {
	broken := errors.New("broken")
	data := encoded(t, filled(t, 5000))
	for _, n := range []int{0, 10, len(data) / 2, len(data) - 1, len(data)} {
		m := filled(t, 3)
		reader := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken))
		if err := m.Restore(reader); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if m.Keys() != 0 || m.Applied() != 0 {
			t.Errorf("after %d bytes: %d keys stay", n, m.Keys())
		}
		if err := m.Restore(iotest.OneByteReader(bytes.NewReader(data[:]))); err != nil || m.Keys() != 5000 {
			t.Errorf("again: %v, %d keys", err, m.Keys())
		}
	}
}

func TestDumpIsGolden(t *testing.T) {
	p := newPlayer()
	p.do(op(OpSet, "b", "x\n\"\xff").at(5, 0))
	p.do(op(OpSet, "a b", "").at(5, 10))
	p.do(op(OpSet, "expired", "1").at(5, 1))
	p.do(op(OpSet, "é", "1").at(6, 0))
	const want = `"a b" "" 15` + "\n" + `"b" "x\n\"\xff" -` + "\n" + `"é" "1" -` + "\n"
	var got strings.Builder
	if err := p.machine.WriteDump(&got); err != nil || got.String() != want {
		t.Errorf("got %v and\n%swant\n%s", err, got.String(), want)
	}
	broken := errors.New("broken")
	if err := p.machine.WriteDump(brokenWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("a broken writer: %v", err)
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }
