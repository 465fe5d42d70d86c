// SPDX-License-Identifier: Apache-2.0

package logcache

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// run makes entries of one term from first to last, each of Size wire.EntryOverhead+9.
func run(term wire.Term, first, last wire.Index) []wire.Entry {
	var entries []wire.Entry
	for i := first; i <= last; i++ {
		entries = append(entries, wire.Entry{Index: i, Term: term, Kind: wire.EntryCommand, Data: []byte("nine byte")})
	}
	return entries
}

const size = wire.EntryOverhead + 9

func same(a, b []wire.Entry) bool {
	return slices.EqualFunc(a, b, func(x, y wire.Entry) bool {
		return x.ID() == y.ID() && string(x.Data) == string(y.Data)
	})
}

func TestEmpty(t *testing.T) {
	c := New(100)
	if c.First() != 1 || c.Last() != 0 || c.Bytes() != 0 {
		t.Errorf("first %d, last %d, bytes %d", c.First(), c.Last(), c.Bytes())
	}
	c.Synced(7)
	if got, ok := c.Entries(nil, 1, 9, 100); ok || got != nil {
		t.Errorf("an empty cache has %v", got)
	}
}

func TestEntries(t *testing.T) {
	c := New(1 << 20)
	c.Append(run(1, 5, 9))
	c.Append(run(2, 10, 14))
	all := slices.Concat(run(1, 5, 9), run(2, 10, 14))
	tests := []struct {
		name     string
		lo, hi   wire.Index
		bytesMax int
		want     []wire.Entry
	}{
		{"all", 5, 14, 1 << 20, all},
		{"beyond the end", 8, 99, 1 << 20, all[3:]},
		{"one", 10, 10, 1 << 20, all[5:6]},
		{"as many as fit exactly", 6, 14, 3 * size, all[1:4]},
		{"as many as fit", 6, 14, 4*size - 1, all[1:4]},
		{"at least one", 6, 14, 0, all[1:2]},
		{"below the first", 4, 14, 1 << 20, nil},
		{"behind the last", 15, 15, 1 << 20, nil},
		{"far behind the last", 99, 100, 1 << 20, nil},
		{"nothing asked for", 7, 6, 1 << 20, nil},
	}
	before := run(9, 1, 2)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := c.Entries(slices.Clip(before), test.lo, test.hi, test.bytesMax)
			if ok != (test.want != nil) || !same(got, slices.Concat(before, test.want)) {
				t.Errorf("got %v, %v, want %v behind %v", got, ok, test.want, before)
			}
		})
	}
}

func TestEvictsOnlyWhatIsSynced(t *testing.T) {
	c := New(3 * size)
	c.Append(run(1, 1, 10))
	if c.First() != 1 || c.Bytes() != 10*size {
		t.Fatalf("evicted what is not durable: first %d, %d bytes", c.First(), c.Bytes())
	}
	c.Synced(4)
	if c.First() != 5 {
		t.Errorf("after 4 were synced, first is %d, want 5", c.First())
	}
	c.Synced(2)
	c.Synced(99)
	if c.First() != 8 || c.Last() != 10 || c.Bytes() != 3*size {
		t.Errorf("after all were synced, %d to %d with %d bytes are held, want 8 to 10", c.First(), c.Last(), c.Bytes())
	}
	c.Append(run(1, 11, 12))
	if c.First() != 10 || c.Last() != 12 {
		t.Errorf("%d to %d are held, want 10 to 12", c.First(), c.Last())
	}
	c.Synced(11)
	c.Append(run(1, 13, 20))
	if c.First() != 12 {
		t.Errorf("first is %d, want 12: it is not durable", c.First())
	}
	if c.Version() != 0 {
		t.Errorf("eviction changed the version")
	}
}

func TestReplacedEntriesAreNotDurable(t *testing.T) {
	c := New(0)
	c.Append(run(1, 1, 10))
	c.Synced(3)
	c.Append(run(2, 3, 6))
	if c.First() != 3 || c.Last() != 6 || c.Version() != 1 {
		t.Fatalf("%d to %d, version %d; want 3 to 6, version 1", c.First(), c.Last(), c.Version())
	}
	c.Append(run(2, 7, 7))
	if got, ok := c.Entries(nil, 3, 9, 1<<20); !ok || !same(got, run(2, 3, 7)) {
		t.Errorf("got %v", got)
	}
}

func TestAppendPlaces(t *testing.T) {
	tests := []struct {
		name          string
		first         wire.Index
		wantFirst     wire.Index
		wantVersion   uint64
		wantReplaced  bool
		wantBytesHeld int
	}{
		{"behind the last", 21, 11, 0, false, 12 * size},
		{"inside", 15, 11, 1, true, 6 * size},
		{"at the first", 11, 11, 1, true, 2 * size},
		{"before the first, at evicted ones", 4, 4, 1, true, 2 * size},
		{"behind a gap", 30, 30, 0, false, 2 * size},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := New(10 * size)
			c.Append(run(1, 1, 20))
			c.Synced(10)
			c.Append(run(2, test.first, test.first+1))
			if c.First() != test.wantFirst || c.Last() != test.first+1 || c.Version() != test.wantVersion || c.Bytes() != test.wantBytesHeld {
				t.Errorf("%d to %d with %d bytes, version %d", c.First(), c.Last(), c.Bytes(), c.Version())
			}
			c.Append(nil)
			if c.Last() != test.first+1 {
				t.Error("appending nothing changed the cache")
			}
		})
	}
}

func TestReset(t *testing.T) {
	c := New(1 << 20)
	c.Append(run(1, 1, 20))
	c.Reset(41)
	if c.First() != 41 || c.Last() != 40 || c.Bytes() != 0 || c.Version() != 1 {
		t.Fatalf("%d to %d with %d bytes, version %d", c.First(), c.Last(), c.Bytes(), c.Version())
	}
	c.Append(run(3, 41, 43))
	c.Reset(44)
	c.Append(run(4, 42, 42))
	if c.First() != 42 || c.Last() != 42 || c.Version() != 3 {
		t.Errorf("replacing what a reset left behind: %d to %d, version %d", c.First(), c.Last(), c.Version())
	}
	c.Reset(0)
	c.Append(run(5, 70, 71))
	if c.First() != 70 || c.Last() != 71 {
		t.Errorf("%d to %d", c.First(), c.Last())
	}
}

func TestViolations(t *testing.T) {
	tests := map[string]func(){
		"gap inside":        func() { New(1).Append([]wire.Entry{{Index: 1}, {Index: 3}}) },
		"index zero":        func() { New(1).Append([]wire.Entry{{Index: 0}}) },
		"gap after a reset": func() { c := New(1); c.Reset(1); c.Append(run(1, 2, 2)) },
		"negative size":     func() { New(-1) },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(*invariant.Violation); !ok {
					t.Error("no invariant was violated")
				}
			}()
			f()
		})
	}
}

// slotsInUse looks behind the interface: slots without an entry must hold nothing.
func slotsInUse(c *Cache) int {
	used := 0
	for _, slot := range c.held.slots {
		if slot.Data != nil {
			used++
		}
	}
	return used
}

func TestFreesData(t *testing.T) {
	c := New(20 * size)
	c.Append(run(1, 1, 60))
	c.Synced(60)
	if used := slotsInUse(c); used != 20 {
		t.Errorf("after eviction %d slots hold data, want 20", used)
	}
	c.Append(run(2, 51, 51))
	if used := slotsInUse(c); used != 11 {
		t.Errorf("after truncation %d slots hold data, want 11", used)
	}
}

func TestShrinks(t *testing.T) {
	c := New(2 * size)
	c.Append(run(1, 1, 5000))
	for i := wire.Index(5001); i < 5100; i++ {
		c.Append(run(1, i, i))
		c.Synced(i)
	}
	if len(c.held.slots) > slotsMin || slotsInUse(c) != 2 {
		t.Errorf("%d slots, %d in use, for 2 entries", len(c.held.slots), slotsInUse(c))
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	c := New(100 * size)
	next := wire.Index(1)
	entries := run(1, 1, 8)
	buffer := make([]wire.Entry, 0, 8)
	allocs := testing.AllocsPerRun(1000, func() {
		for i := range entries {
			entries[i].Index = next + wire.Index(i)
		}
		c.Append(entries)
		next += 8
		c.Synced(next - 1)
		buffer, _ = c.Entries(buffer[:0], next-8, next-1, 1<<20)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a batch, want 0", allocs)
	}
}

// model is a cache as a map, which forgets nothing but what it must.
type model struct {
	entries map[wire.Index]wire.Entry
	last    wire.Index
}

// TestAgainstModel runs random operations and compares: what the cache has is what
// was appended last, and it has all that is not durable.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 1))
		limit := random.IntN(400) * size / 10
		c, m, durable := New(limit), model{entries: map[wire.Index]wire.Entry{}}, wire.Index(0)
		for step := range 300 {
			switch random.IntN(8) {
			case 0:
				durable = max(durable, wire.Index(random.Uint64N(uint64(m.last)+1)))
				c.Synced(durable)
			case 1:
				first := m.last - wire.Index(random.Uint64N(uint64(min(m.last, 9))+1)) + 1
				durable = min(durable, first-1)
				m.append(c, run(wire.Term(step), first, first+wire.Index(random.IntN(5))))
			case 2:
				durable = m.last
				c.Synced(durable)
			default:
				m.append(c, run(wire.Term(step), m.last+1, m.last+1+wire.Index(random.IntN(40))))
			}
			m.compare(t, c, durable, limit)
		}
	}
}

func (m *model) append(c *Cache, entries []wire.Entry) {
	version, replaces := c.Version(), entries[0].Index <= m.last
	c.Append(entries)
	invariant.Check((c.Version() != version) == replaces, "the version changes with a replacement")
	for _, entry := range entries {
		m.entries[entry.Index] = entry
		m.last = entry.Index
	}
}

func (m *model) compare(t *testing.T, c *Cache, durable wire.Index, limit int) {
	t.Helper()
	first := c.First()
	if c.Last() != m.last || first > durable+1 {
		t.Fatalf("%d to %d, but the last is %d and only %d is durable", first, c.Last(), m.last, durable)
	}
	var want []wire.Entry
	for i := first; i <= m.last; i++ {
		want = append(want, m.entries[i])
	}
	got, ok := c.Entries(nil, first, m.last, 1<<30)
	if ok != (len(want) > 0) || !same(got, want) {
		t.Fatalf("from %d: got %v, want %v", first, got, want)
	}
	if c.Bytes() != wire.SizeOf(want) {
		t.Fatalf("%d bytes, want %d", c.Bytes(), wire.SizeOf(want))
	}
	if c.Bytes() > limit && first <= durable {
		t.Fatalf("%d bytes, the limit is %d, but durable entries are held from %d on", c.Bytes(), limit, first)
	}
}

// TestConcurrent has one writer, as the loop, and readers that check that what they
// get is contiguous and of terms that never fall.
func TestConcurrent(t *testing.T) {
	c := New(200 * size)
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			var buffer []wire.Entry
			for {
				select {
				case <-done:
					return
				default:
				}
				var ok bool
				first := c.First()
				if buffer, ok = c.Entries(buffer[:0], first, c.Last(), 50*size); ok {
					checkRead(t, buffer, first)
				}
				c.Bytes()
				c.Version()
			}
		})
	}
	last := wire.Index(0)
	for term := wire.Term(1); term < 500; term++ {
		first := last - min(last, wire.Index(term%7)) + 1
		c.Append(run(term, first, first+20))
		last = first + 20
		c.Synced(last - 10)
	}
	close(done)
	readers.Wait()
}

func checkRead(t *testing.T, entries []wire.Entry, first wire.Index) {
	for i := range entries {
		if entries[i].Index != first+wire.Index(i) || i > 0 && entries[i].Term < entries[i-1].Term {
			t.Errorf("entry %d of a read from %d is %v", i, first, entries[i].ID())
		}
		if !strings.HasPrefix(string(entries[i].Data), "nine") {
			t.Errorf("entry %v has data %q", entries[i].ID(), entries[i].Data)
		}
	}
}

func BenchmarkAppendAndRead(b *testing.B) {
	c := New(1 << 20)
	entries := run(1, 1, 16)
	buffer := make([]wire.Entry, 0, 16)
	next := wire.Index(1)
	for b.Loop() {
		for i := range entries {
			entries[i].Index = next + wire.Index(i)
		}
		c.Append(entries)
		next += 16
		c.Synced(next - 1)
		buffer, _ = c.Entries(buffer[:0], next-16, next-1, 1<<20)
	}
}
