// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// script is a history of a store in steps. After each of them, what is published is known.
type script struct {
	steps []func(l *life) error
	// states are what is shown before the first step and after each.
	states []string
	// begun is the unfinished snapshot behind each step, nil if there is none.
	begun []*sample
}

// life is a store that is closed and opened again.
type life struct {
	store   *Store
	options Options
}

func (l *life) reopen() error {
	if err := l.store.Close(); err != nil {
		return err
	}
	var err error
	l.store, err = Open(testDir, l.options)
	return err
}

var (
	sampleA = sampleOf(1, 5, 1300)
	sampleB = sampleOf(1, 9, 1800)
	sampleC = sampleOf(1, 12, 900)
	sampleD = sampleOf(1, 13, 3000)
	sampleE = sampleOf(1, 20, 0)
)

// fullScript has everything that can happen to the snapshots of a group.
func fullScript() script {
	s := script{states: []string{""}, begun: []*sample{nil}}
	begin := func(p *sample) func(*life) error {
		return func(l *life) error { return second(l.store.Begin(1, p.meta)) }
	}
	write := func(p *sample, from, to uint64) func(*life) error {
		return func(l *life) error { return p.write(l.store, from, to) }
	}
	finish := func(p *sample) func(*life) error { return func(l *life) error { return p.finish(l.store) } }
	remove := func(p *sample) func(*life) error {
		return func(l *life) error { return l.store.Delete(1, p.meta.ID) }
	}
	reopen := func(l *life) error { return l.reopen() }
	add := func(step func(*life) error, begun *sample, published ...sample) {
		s.steps, s.begun, s.states = append(s.steps, step), append(s.begun, begun), append(s.states, shown(published...))
	}
	a, b, c, d, e := sampleA, sampleB, sampleC, sampleD, sampleE
	e.meta.External = true
	add(begin(&a), &a)
	add(write(&a, 0, 1300), &a)
	add(func(l *life) error { return a.publish(l.store) }, nil, a)
	add(begin(&b), &b, a)
	add(write(&b, 0, 1400), &b, a)
	add(reopen, &b, a)
	add(finish(&b), nil, b, a)
	add(remove(&a), nil, b)
	add(begin(&c), &c, b)
	add(write(&c, 0, 900), &c, b)
	add(begin(&d), &d, b) // In the place of c.
	add(write(&d, 0, 2500), &d, b)
	add(func(l *life) error { return l.store.Abandon(1) }, nil, b)
	add(finish(&c), nil, c, b)
	add(reopen, nil, c, b)
	add(finish(&e), nil, e, c, b)
	add(remove(&b), nil, e, c)
	add(begin(&d), &d, e, c)
	add(write(&d, 0, 1600), &d, e, c)
	add(reopen, &d, e, c)
	add(begin(&b), &b, e, c) // In the place of d, which another process has begun.
	add(finish(&b), nil, e, c, b)
	return s
}

// image is a disk after a power loss.
type image struct {
	disk  *vfs.Mem
	legal []string  // what may be shown
	begun []*sample // what may be unfinished
	when  string
}

// check opens a store on an image, and says what it has.
func (im *image) check(t *testing.T) string {
	t.Helper()
	s := mustOpen(t, testOptions(im.disk))
	got, err := show(s, 1)
	if err != nil || !slices.Contains(im.legal, got) {
		t.Fatalf("power loss %s: the store has\n%.200q, error %v, want one of\n%.200q", im.when, got, err, im.legal)
	}
	must(t, s.Close())
	if strings.Contains(strings.Join(names(t, im.disk), " "), damagedSuffix) {
		t.Fatalf("power loss %s: a snapshot is taken for damaged: %v", im.when, names(t, im.disk))
	}
	return got
}

// checkLife goes on after a power loss: what was unfinished is finished, with the same data
// whether it is gone on with or begun anew. Then the power is lost once more.
func (im *image) checkLife(t *testing.T) (held uint64) {
	t.Helper()
	before := im.check(t)
	for _, p := range im.begun {
		if p == nil || strings.Contains(before, shown(*p)) {
			continue
		}
		disk := im.disk.CrashClone(vfs.KeepAll)
		s := mustOpen(t, testOptions(disk))
		n, err := s.Begin(1, p.meta)
		must(t, err)
		if n%blockBytesMin != 0 || n > uint64(len(p.data)) {
			t.Fatalf("power loss %s: Begin has %d bytes", im.when, n)
		}
		held = max(held, n)
		if err := p.finish(s); err != nil {
			t.Fatalf("power loss %s: %v", im.when, err)
		}
		after, err := show(s, 1)
		must(t, err)
		if !strings.Contains(after, shown(*p)) || len(after) != len(before)+len(shown(*p)) {
			t.Fatalf("power loss %s: then the store has\n%.200q", im.when, after)
		}
		again := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{after}, when: im.when + ", and again"}
		again.check(t)
		must(t, s.Close())
	}
	return held
}

// camera takes images of a disk before every operation that changes it.
type camera struct {
	disk  *vfs.Mem
	now   image // without a disk
	look  func(im image)
	sweep vfs.Sweep
}

func (c *camera) decide(op vfs.Op) vfs.Fault {
	if op.Kind&vfs.OpChange != 0 {
		im := c.now
		im.when = "in " + im.when + " before " + opName(op)
		c.sweep.Of(c.disk, func(after *vfs.Mem) bool {
			im.disk = after
			c.look(im)
			return true
		})
	}
	return vfs.Fault{}
}

func opName(op vfs.Op) string {
	kinds := map[vfs.OpKind]string{
		vfs.OpMkdir: "mkdir", vfs.OpCreate: "create", vfs.OpRename: "rename", vfs.OpRemove: "remove",
		vfs.OpSyncDir: "sync of the folder", vfs.OpWrite: "write", vfs.OpSync: "sync", vfs.OpTruncate: "truncate",
	}
	return kinds[op.Kind] + " of " + op.Path
}

// run makes the history.
func (c *camera) run(t *testing.T, s script) {
	t.Helper()
	options := testOptions(vfs.Faulty(c.disk, c.decide))
	c.now = image{legal: s.states[:1], when: "Open"}
	l := &life{store: mustOpen(t, options), options: options}
	for i, step := range s.steps {
		c.now = image{legal: s.states[i : i+2], begun: s.begun[i : i+2], when: "step " + string(rune('a'+i))}
		must(t, step(l))
		c.now.legal, c.now.begun = s.states[i+1:i+2], s.begun[i+1:i+2]
	}
	must(t, l.store.Close())
	requireState(t, c.disk, s.states[len(s.states)-1])
}

func requireState(t *testing.T, disk *vfs.Mem, want string) {
	t.Helper()
	im := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{want}, when: "at the end"}
	im.check(t)
}

// Whatever is lost or torn when the power fails, at whichever operation: there is what
// was published before the step or after it, whole, and what was unfinished can be finished.
func TestCrashAnywhere(t *testing.T) {
	images, resumed := 0, 0
	c := camera{disk: vfs.NewMem()}
	c.sweep = vfs.Sweep{SubsetsMax: 8, Tears: []vfs.Survival{vfs.Torn, vfs.Garbage, vfs.Zeroed, vfs.TornFrom(100)}, Seeds: 20}
	c.look = func(im image) {
		if images++; images%thinning == 0 && im.checkLife(t) > 0 {
			resumed++
		}
	}
	c.run(t, fullScript())
	t.Logf("%d images, %d with something to go on with", images, resumed)
	if images < 2500 || resumed < 100/thinning {
		t.Errorf("only %d images, %d with something to go on with", images, resumed)
	}
}

// The power may fail again while the store is opened, and goes on, after it failed.
func TestCrashTwice(t *testing.T) {
	first, images := 0, 0
	source := rand.New(rand.NewPCG(1, 2))
	c := camera{disk: vfs.NewMem(), sweep: vfs.Sweep{Seeds: 2}}
	c.look = func(im image) {
		first++
		if first%(3*thinning) != 0 {
			return
		}
		again := camera{disk: im.disk, now: im, sweep: vfs.Sweep{Seeds: 1}}
		again.now.when += ", and then"
		again.look = func(second image) {
			images++
			second.checkLife(t)
		}
		options := testOptions(vfs.Faulty(im.disk, again.decide))
		s := mustOpen(t, options)
		state, err := show(s, 1)
		must(t, err)
		again.now.legal = []string{state} // Once it was opened, it is decided.
		if p := im.begun[source.IntN(len(im.begun)+1)%max(len(im.begun), 1)]; p != nil && !strings.Contains(state, shown(*p)) {
			_, err := s.Begin(1, p.meta)
			must(t, err)
		}
		must(t, s.Close())
	}
	full := fullScript()
	c.run(t, full)
	t.Logf("%d images", images)
	if images < 400/thinning {
		t.Errorf("only %d images", images)
	}
}

// What another process has written and not synced may not be on the disk: a snapshot that it
// goes on with is durable all the same when it is published.
func TestKilledBeforeSync(t *testing.T) {
	disk := vfs.NewMem()
	options := testOptions(disk)
	options.SyncBytes = 1 << 20
	s := mustOpen(t, options)
	_, err := s.Begin(1, sampleB.meta)
	must(t, err)
	must(t, sampleB.write(s, 0, 1700))
	must(t, s.lock.Close()) // As the system does when the process is gone.
	s = mustOpen(t, options)
	held, err := s.Begin(1, sampleB.meta)
	must(t, err)
	if held != 3*blockBytesMin {
		t.Errorf("Begin has %d bytes", held)
	}
	must(t, sampleB.write(s, held, 1800))
	must(t, sampleB.publish(s))
	requireState(t, disk, shown(sampleB))
	must(t, s.Close())
}

// The process died between the rename and the sync of the folder: who opens the store and sees
// the snapshot can rely on it.
func TestKilledBeforeFolderSync(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	must(t, sampleA.finish(s))
	must(t, s.Close())
	must(t, disk.Rename(pathOf(&sampleA, publishedSuffix), pathOf(&sampleA, unfinishedSuffix)))
	must(t, disk.SyncDir(testDir))
	must(t, disk.Rename(pathOf(&sampleA, unfinishedSuffix), pathOf(&sampleA, publishedSuffix)))
	s = mustOpen(t, testOptions(disk))
	requireShown(t, s, 1, sampleA)
	requireState(t, disk, shown(sampleA))
	must(t, s.Close())
}
