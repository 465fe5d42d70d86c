// SPDX-License-Identifier: Apache-2.0

package logwriter

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// disk is a store that remembers every Save as a list of "group:index" and may be slow
// or fail.
type disk struct {
	delay time.Duration

	mu     sync.Mutex
	saves  [][]string
	failAt int // the Save that fails, from 1; zero for none
	err    error
}

func (d *disk) Save(updates []wire.Update) error {
	time.Sleep(d.delay)
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, u := range updates {
		names = append(names, fmt.Sprintf("%d:%d", u.Group, u.HardState.Term))
	}
	d.saves = append(d.saves, names)
	if d.failAt > 0 && len(d.saves) >= d.failAt {
		return d.err
	}
	return nil
}

func (d *disk) saved() [][]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.saves)
}

// group remembers what it is told.
type group struct {
	id     wire.GroupID
	onSync func(seq uint64)

	mu     sync.Mutex
	synced []uint64
	idle   []bool // what came with each of synced
	failed []error
}

func (g *group) LogSynced(seq uint64, idle bool) {
	if g.onSync != nil {
		g.onSync(seq)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.synced = append(g.synced, seq)
	g.idle = append(g.idle, idle)
}

func (g *group) LogFailed(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed = append(g.failed, err)
}

func (g *group) told() ([]uint64, []error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.synced), slices.Clone(g.failed)
}

// queue queues a write whose term is its sequence number, with that many bytes of entries.
func (g *group) queue(w *Writer, seq uint64, bytes int) {
	update := wire.Update{Group: g.id, HardState: wire.HardState{Term: wire.Term(seq)}}
	if bytes > 0 {
		update.Entries = []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: make([]byte, bytes-wire.EntryOverhead)}}
	}
	w.Queue(g, seq, update)
}

// clock is one that begins now, in the bubble's time where there is one.
func clock() func() int64 {
	begin := time.Now()
	return func() int64 { return int64(time.Since(begin)) }
}

// inBubble runs a writer on a disk; test must close it.
func inBubble(t *testing.T, d *disk, test func(t *testing.T, w *Writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := New(d, clock())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Run()
		}()
		test(t, w)
		w.Close()
		<-ended
	})
}

func TestWhatArrivesDuringASaveGoesWithTheNext(t *testing.T) {
	d := &disk{delay: time.Second}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		a, b := &group{id: 1}, &group{id: 2}
		a.queue(w, 1, 100)
		synctest.Wait() // The first Save is under way.
		if got := w.Bytes(); got != 0 {
			t.Errorf("%d bytes wait while they are being saved", got)
		}
		a.queue(w, 2, 100)
		b.queue(w, 7, 50)
		b.queue(w, 8, 0)
		a.queue(w, 3, 100)
		if got := w.Bytes(); got != 250 {
			t.Errorf("%d bytes wait, want 250", got)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		want := [][]string{{"1:1"}, {"1:2", "2:7", "2:8", "1:3"}}
		if got := d.saved(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("saved %v, want %v", got, want)
		}
		if synced, _ := a.told(); !slices.Equal(synced, []uint64{1, 3}) {
			t.Errorf("group a was told %v, want once a Save the highest", synced)
		}
		if synced, _ := b.told(); !slices.Equal(synced, []uint64{8}) {
			t.Errorf("group b was told %v, want 8", synced)
		}
	})
}

func TestNothingIsReportedBeforeItIsDurable(t *testing.T) {
	d := &disk{delay: time.Second}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		a := &group{id: 1}
		a.queue(w, 1, 30)
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		if synced, _ := a.told(); len(synced) > 0 {
			t.Errorf("told %v before the Save has ended", synced)
		}
	})
}

func TestOneSaveIsBounded(t *testing.T) {
	tests := []struct {
		name  string
		sizes []int
		want  []int // writes of each Save
	}{
		{"one", []int{30}, []int{1}},
		{"just the bound", []int{saveBytesMax - 100, 100, 30}, []int{2, 1}},
		{"one byte more", []int{saveBytesMax - 100, 101, 30}, []int{1, 2}},
		{"a large one is alone", []int{30, saveBytesMax + 1, 30, 40}, []int{1, 1, 2}},
		{"a large one comes first", []int{saveBytesMax + 1, 30}, []int{1, 1}},
		{"as many as may be", make([]int, saveUpdatesMax), []int{saveUpdatesMax}},
		{"one more", make([]int, 2*saveUpdatesMax+1), []int{saveUpdatesMax, saveUpdatesMax, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, g := &disk{}, &group{id: 1}
			w := New(d, clock())
			for i, size := range test.sizes {
				g.queue(w, uint64(i+1), size)
			}
			next := uint64(0)
			for i, n := range test.want {
				if more, want := w.Step(), i+1 < len(test.want); more != want {
					t.Errorf("step %d says %v, want %v", i, more, want)
				}
				next += uint64(n)
				if synced, _ := g.told(); len(synced) != i+1 || synced[i] != next {
					t.Fatalf("step %d: told %v, want %d at the end", i, synced, next)
				}
				if saves := d.saved(); len(saves) != i+1 || len(saves[i]) != n {
					t.Fatalf("step %d: not a Save of %d", i, n)
				}
			}
			if w.Step() || w.Bytes() != 0 || len(d.saved()) != len(test.want) {
				t.Errorf("there is more to do; %d bytes", w.Bytes())
			}
		})
	}
}

func TestWritesOfManyGroupsKeepTheirOrder(t *testing.T) {
	const groups, writes = 8, 300
	d := &disk{delay: time.Millisecond}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		var wg sync.WaitGroup
		all := make([]*group, groups)
		for i := range all {
			g := &group{id: wire.GroupID(i + 1)}
			all[i] = g
			g.onSync = func(seq uint64) {
				saves := d.saved()
				if last := slices.Concat(saves...); !slices.Contains(last, fmt.Sprintf("%d:%d", g.id, seq)) {
					t.Errorf("group %d is told of %d, which is not saved", g.id, seq)
				}
			}
			wg.Go(func() {
				for seq := range uint64(writes) {
					g.queue(w, seq+1, 30)
					if seq%7 == uint64(g.id)%7 {
						time.Sleep(time.Millisecond / 3)
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Minute)
		saved := slices.Concat(d.saved()...)
		if len(saved) != groups*writes {
			t.Errorf("%d writes saved, want each of %d once", len(saved), groups*writes)
		}
		for _, g := range all {
			next := 0
			for _, name := range saved {
				if fmt.Sprintf("%d:%d", g.id, next+1) == name {
					next++
				}
			}
			synced, _ := g.told()
			if next != writes || !slices.IsSorted(synced) || len(slices.Compact(slices.Clone(synced))) != len(synced) || synced[len(synced)-1] != writes {
				t.Errorf("group %d: %d writes in order, told %v", g.id, next, synced)
			}
			if len(synced) > len(d.saved()) {
				t.Errorf("group %d was told %d times of %d Saves", g.id, len(synced), len(d.saved()))
			}
		}
	})
}

func TestTheFirstErrorIsTheEnd(t *testing.T) {
	cause := errors.New("no space")
	d := &disk{delay: time.Second, failAt: 2, err: cause}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		a, b, waiting, later := &group{id: 1}, &group{id: 2}, &group{id: 3}, &group{id: 4}
		a.queue(w, 1, 30)
		synctest.Wait()
		a.queue(w, 2, 30)
		a.queue(w, 3, 30)
		b.queue(w, 1, 30)
		time.Sleep(time.Second)
		synctest.Wait() // The second Save, which fails, is under way.
		a.queue(w, 4, 30)
		waiting.queue(w, 1, 30)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, g := range []*group{a, b, waiting} {
			if _, failed := g.told(); len(failed) != 1 || failed[0] != cause {
				t.Errorf("group %d was told of %v, want the cause, once", g.id, failed)
			}
		}
		if _, failed := later.told(); len(failed) != 0 {
			t.Errorf("a group without writes was told %v", failed)
		}
		later.queue(w, 1, 30)
		if _, failed := later.told(); len(failed) != 1 || failed[0] != cause {
			t.Errorf("a group that writes afterwards was told of %v", failed)
		}
		time.Sleep(time.Minute)
		if synced, _ := a.told(); !slices.Equal(synced, []uint64{1}) || len(d.saved()) != 2 || w.Bytes() != 0 {
			t.Errorf("after the failure: told %v, %d Saves, %d bytes wait", synced, len(d.saved()), w.Bytes())
		}
		for _, g := range []*group{b, waiting, later} {
			if synced, _ := g.told(); len(synced) > 0 {
				t.Errorf("group %d was told that %v is durable", g.id, synced)
			}
		}
	})
}

func TestCloseSavesWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g := &disk{delay: time.Second}, &group{id: 1}
		w := New(d, clock())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Run()
		}()
		g.queue(w, 1, 30)
		synctest.Wait()
		g.queue(w, 2, saveBytesMax)
		g.queue(w, 3, 30)
		w.Close()
		w.Close() // Harmless.
		begin := time.Now()
		<-ended
		if took := time.Since(begin); took != 3*time.Second || len(d.saved()) != 3 {
			t.Errorf("ended after %v and %d Saves, want all three", took, len(d.saved()))
		}
		if synced, _ := g.told(); !slices.Equal(synced, []uint64{1, 2, 3}) {
			t.Errorf("told %v", synced)
		}
	})
}

func TestGroupsMayQueueWhenTheyAreTold(t *testing.T) {
	d := &disk{}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		g := &group{id: 1}
		g.onSync = func(seq uint64) {
			if seq < 50 {
				g.queue(w, seq+1, 30)
			}
		}
		g.queue(w, 1, 30)
		synctest.Wait()
		if got := len(d.saved()); got != 50 {
			t.Errorf("%d Saves, want 50", got)
		}
	})
}

func TestGroupsLearnWhetherTheWriterIsIdle(t *testing.T) {
	d, a, b := &disk{}, &group{id: 1}, &group{id: 2}
	w := New(d, clock())
	a.queue(w, 1, saveBytesMax)
	b.queue(w, 1, 30)
	w.Step()
	w.Step()
	b.onSync = func(uint64) { a.queue(w, 3, 30) } // Too late for b to know, in time for c.
	c := &group{id: 3}
	b.queue(w, 2, 30)
	c.queue(w, 1, 30)
	w.Step()
	if fmt.Sprint(a.idle, b.idle, c.idle) != "[false] [true true] [false]" {
		t.Errorf("told %v, %v and %v", a.idle, b.idle, c.idle)
	}
}

func TestAnIdleWriterIsWoken(t *testing.T) {
	d := &disk{}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		for seq := range uint64(3) {
			synctest.Wait() // It sleeps.
			(&group{id: 1}).queue(w, seq+1, 30)
			if synctest.Wait(); len(d.saved()) != int(seq)+1 {
				t.Errorf("write %d is not saved", seq+1)
			}
		}
	})
}

func TestIdleWriterEnds(t *testing.T) {
	inBubble(t, &disk{}, func(*testing.T, *Writer) { synctest.Wait() })
}
