// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"flag"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// imagesWanted is for soaking: go test ./wal -run TestEveryCrashImage -images 5000000 -timeout 0.
var imagesWanted = flag.Int64("images", 0, "crash images to check; beyond those of the fixed scripts, of random ones")

const (
	// imagesMin is how many crash images there are at least, of which the race detector
	// gets a share of one in thinning.
	imagesMin = 50_000
	// Of so many images one is checked with a power loss at every operation of its
	// recovery, and of so many of these one with another at every operation after that.
	nestedEvery, nestedAgainEvery = (307 + thinning - 1) / thinning, (101 + thinning - 1) / thinning
	nestingMax                    = 3
)

// tears are what may become of a sector in part: cut within and behind the header of
// a batch and of a record, in the middle, and at the end.
var tears = []vfs.Survival{
	vfs.TornAt(1), vfs.TornAt(8), vfs.TornAt(batchHeaderBytes), vfs.TornAt(batchHeaderBytes + recordHeaderBytes), vfs.Torn,
	vfs.TornAt(511), vfs.TornFrom(1), vfs.TornFrom(batchHeaderBytes), vfs.TornFrom(256), vfs.Garbage, vfs.Zeroed,
}

// sweepWide is for the first power loss, sweepNested for one during recovery from it.
var (
	sweepWide   = vfs.Sweep{SubsetsMax: 12, Tears: tears, Seeds: 8}
	sweepNested = vfs.Sweep{SubsetsMax: 5, Tears: []vfs.Survival{vfs.Torn, vfs.Garbage}, Seeds: 2}
)

// sweeper loses the power before every operation that changes a disk, in every way that
// its sweep has.
type sweeper struct {
	t       testing.TB
	name    string
	options Options
	disk    *vfs.Mem
	sweep   vfs.Sweep
	depth   int     // this is the power loss number depth in a row
	legal   []state // what the log may be if the power fails now, in order
	isWhole bool    // The Save that goes on is there whole or not at all.
	saved   uint64  // the last batch before the Save that goes on
	log     *Log    // nil while it is being opened
	op      vfs.Op
	counts  *imageCounts
	seen    int // images of this sweeper
}

// imageCounts counts images by depth.
type imageCounts [nestingMax + 1]atomic.Int64

// decide is asked before every operation.
func (s *sweeper) decide(op vfs.Op) vfs.Fault {
	if op.Kind&vfs.OpChange != 0 {
		s.op = op
		s.losePower()
	}
	return vfs.Fault{}
}

func (s *sweeper) losePower() {
	legal := s.legal
	if s.log != nil && s.isWhole && s.log.tail.seq > s.saved {
		legal = legal[len(legal)-1:] // It was synced.
	}
	s.sweep.Of(s.disk, func(after *vfs.Mem) bool {
		s.seen++
		if s.seen%thinning == 0 {
			s.counts[s.depth].Add(1)
			s.check(after, legal)
		}
		return true
	})
}

// check opens the log on the disk that the power loss has left, and uses it.
func (s *sweeper) check(after *vfs.Mem, legal []state) {
	number := s.seen / thinning
	every := nestedEvery
	if s.depth > 1 {
		every = nestedAgainEvery
	}
	var again *vfs.Mem
	if number%every == 0 && s.depth < nestingMax {
		again = after.CrashClone(vfs.LoseAll)
	}
	l, found := s.open(after, legal)
	if again != nil {
		s.nest(again, found)
	}
	if s.depth == 1 {
		s.live(l, after, found, number)
		return
	}
	must(s.t, l.Close())
}

// open opens the log on a disk and returns which of the legal states it has.
func (s *sweeper) open(disk *vfs.Mem, legal []state) (*Log, state) {
	s.t.Helper()
	options := s.options
	options.FS = disk
	l, err := Open(options)
	if err != nil {
		s.t.Fatalf("%s: power loss %d before %+v, image %d: %v", s.name, s.depth, s.op, s.seen, err)
	}
	got, err := contents(l)
	must(s.t, err)
	i := slices.IndexFunc(legal, func(st state) bool { return st.text == got })
	if i < 0 {
		texts := make([]string, len(legal))
		for i := range legal {
			texts[i] = legal[i].text
		}
		s.t.Fatalf("%s: power loss %d before %+v, image %d: the log has\n%s\nwant one of\n%q", s.name, s.depth, s.op, s.seen, got, texts)
	}
	return l, legal[i]
}

// nest loses the power again at every operation of the recovery. What it finds is
// decided by what is on the disk, so whoever recovers after that must find it, too.
func (s *sweeper) nest(disk *vfs.Mem, found state) {
	again := sweeper{
		t: s.t, name: s.name, options: s.options, disk: disk, sweep: sweepNested, depth: s.depth + 1,
		legal: []state{found}, counts: s.counts,
	}
	options := s.options
	options.FS = vfs.Faulty(disk, again.decide)
	l, err := Open(options)
	must(s.t, err)
	must(s.t, l.Close())
}

// live goes on with the log after the power loss, ends in one of several ways, and
// looks whether all of it is there.
func (s *sweeper) live(l *Log, disk *vfs.Mem, found state, number int) {
	s.t.Helper()
	saves := 1
	if number%16 == 0 {
		saves = 8 // Enough for a new segment or two.
	}
	m := stateOf(found.model).model
	for i := range saves {
		u := goOn(m, i, number)
		must(s.t, l.Save([]wire.Update{u}))
		m.apply(u)
	}
	switch number % 4 {
	case 0:
		must(s.t, l.Close())
	case 1:
		disk = disk.CrashClone(vfs.LoseAll)
	case 2:
		disk = disk.CrashClone(vfs.KeepAll)
	default:
		must(s.t, l.lock.Close()) // The process was killed.
	}
	l, _ = s.open(disk, []state{stateOf(m)})
	must(s.t, l.Close())
}

// goOn returns an update that fits: entries behind the last or in place of it, and now and
// then all else that there is.
func goOn(m model, i, number int) wire.Update {
	g := m[1]
	last := g.last()
	u := wire.Update{Group: 1, Entries: entries(last.Term+1, last.Index+1, "after the power loss")}
	switch (number/4 + i) % 5 {
	case 0:
		if len(g.entries) > 0 {
			u.Entries = entries(last.Term+1, last.Index, "instead", string(make([]byte, 1500)))
		}
	case 1:
		u.Compact = last.Index
	case 2:
		u.HardState = wire.HardState{Term: g.hardState.Term + 1, Vote: 3}
	case 3:
		u.Reset = wire.LogID{Term: last.Term + 1, Index: last.Index + 10}
		u.Entries = entries(last.Term+1, last.Index+11, string(make([]byte, 3000)))
	}
	return u
}

// run goes through the script, and loses the power all the time.
func (s *sweeper) run(sc *script) {
	t := s.t
	options := s.options
	s.disk = vfs.NewMem()
	options.FS = vfs.Faulty(s.disk, s.decide)
	s.legal = sc.begin()
	l := mustOpen(t, options)
	for _, step := range sc.steps {
		s.legal = step.legal
		if step.updates == nil {
			must(t, l.Close())
			l = mustOpen(t, options)
			continue
		}
		s.log, s.isWhole, s.saved = l, len(step.legal) == 2, l.tail.seq
		must(t, l.Save(step.updates))
		s.log, s.legal = nil, step.legal[len(step.legal)-1:]
	}
	must(t, l.Close())
	s.op = vfs.Op{}
	s.losePower()
}

func sweepScript(t testing.TB, sc *script, counts *imageCounts) {
	s := sweeper{t: t, name: sc.name, options: sc.options, sweep: sweepWide, depth: 1, counts: counts}
	s.run(sc)
}

// Every prefix of the file operations of every script, with every subset of what was not
// synced, and with each sector of it torn in many ways: what was acknowledged is there,
// what was being saved is there whole or not at all, nothing else is, and the log
// goes on. So it is if the power fails again, and again, during recovery.
func TestEveryCrashImage(t *testing.T) {
	began := time.Now()
	var counts imageCounts
	t.Run("scripts", func(t *testing.T) {
		for _, sc := range scripts() {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				var own imageCounts
				sweepScript(t, sc, &own)
				for i := range own {
					counts[i].Add(own[i].Load())
				}
				t.Logf("%d images, %d nested", own[1].Load(), own[2].Load()+own[3].Load())
			})
		}
	})
	for seed := uint64(2); counts[1].Load() < *imagesWanted && !t.Failed(); seed++ {
		sweepScript(t, scriptRandom(seed, 40), &counts)
	}
	total := counts[1].Load()
	t.Logf("%d images, %d of a second power loss, %d of a third, %v, %.0f images a second",
		total, counts[2].Load(), counts[3].Load(), time.Since(began).Round(time.Millisecond),
		float64(total+counts[2].Load()+counts[3].Load())/time.Since(began).Seconds())
	if total < imagesMin/thinning || counts[2].Load() < imagesMin/10/thinning || counts[3].Load() == 0 {
		t.Errorf("not enough images: %d of one power loss, %d of two, %d of three", total, counts[2].Load(), counts[3].Load())
	}
}
