// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// image is a disk after a power loss, and the states of the log that it may hold.
type image struct {
	disk  *vfs.Mem
	legal []string
	op    vfs.Op
	way   int
}

// camera takes images of a file system before every operation that changes it.
type camera struct {
	disk   *vfs.Mem
	random *rand.Rand
	ways   int      // so many random images of each operation
	legal  []string // what the log may hold if the power fails now
	images int      // so many were taken
	look   func(im image)
}

func (c *camera) decide(op vfs.Op) vfs.Fault {
	if op.Kind&vfs.OpChange == 0 {
		return vfs.Fault{}
	}
	for way := range 2 + c.ways {
		decide := vfs.Random(c.random)
		switch way {
		case 0:
			decide = vfs.LoseAll
		case 1:
			decide = vfs.KeepAll
		}
		c.images++
		c.look(image{disk: c.disk.CrashClone(decide), legal: c.legal, op: op, way: way})
	}
	return vfs.Fault{}
}

// run makes a history of Saves, reopening now and then.
func (c *camera) run(t *testing.T, h history, options Options) {
	t.Helper()
	options.FS = vfs.Faulty(c.disk, c.decide)
	c.legal = h.states[:1]
	l := mustOpen(t, options)
	for i, updates := range h.saves {
		c.legal = h.states[i : i+2]
		must(t, l.Save(updates))
		c.legal = h.states[i+1 : i+2]
		if i%11 == 10 {
			must(t, l.Close())
			l = mustOpen(t, options)
		}
	}
	must(t, l.Close())
}

// check opens the log on an image and returns what it has.
func (im *image) check(t *testing.T, options Options) string {
	t.Helper()
	options.FS = im.disk
	l, err := Open(options)
	if err != nil {
		t.Fatalf("power loss before %+v, way %d: %v", im.op, im.way, err)
	}
	got, err := contents(l)
	must(t, err)
	if !slices.Contains(im.legal, got) {
		t.Fatalf("power loss before %+v, way %d: the log has\n%s\nwant one of\n%s", im.op, im.way, got, im.legal)
	}
	must(t, l.Close())
	return got
}

// checkLife goes on with the log of an image, and loses the power once more.
func (im *image) checkLife(t *testing.T, options Options, random *rand.Rand) {
	t.Helper()
	got := im.check(t, options)
	options.FS = im.disk
	l := mustOpen(t, options)
	const group = 99
	for i := range wire.Index(1 + random.IntN(8)) {
		u := wire.Update{Group: group, Entries: entries(1, i+1, string(make([]byte, random.IntN(2000))))}
		must(t, l.Save([]wire.Update{u}))
	}
	want, err := contents(l)
	must(t, err)
	if want[:len(got)] != got {
		t.Fatalf("after %+v: the log had\n%s\nand then\n%s", im.op, got, want)
	}
	again := image{disk: im.disk.CrashClone(vfs.Random(random)), legal: []string{want}, op: im.op}
	again.check(t, options)
	must(t, l.Close())
}

// Whatever is lost or torn when the power fails, what was saved is there, and what
// was being saved is there whole or not at all.
func TestCrashAnywhere(t *testing.T) {
	images := 0
	for seed := range uint64(5) {
		options := testOptions(nil)
		options.BlockBytes = 512 << (seed % 2)
		random := rand.New(rand.NewPCG(seed, 2))
		c := camera{disk: vfs.NewMem(), random: random, ways: 1}
		c.look = func(im image) {
			if c.images%thinning != 0 {
				return
			}
			if c.images%5 == 0 {
				im.checkLife(t, options, random)
			} else {
				im.check(t, options)
			}
		}
		c.run(t, randomHistory(seed, 60, 3), options)
		images += c.images
	}
	t.Logf("%d images", images)
	if images < 4000 {
		t.Errorf("only %d images", images)
	}
}

// The power may fail again while the log is being opened after it failed.
func TestCrashDuringRecovery(t *testing.T) {
	options := testOptions(nil)
	random := rand.New(rand.NewPCG(3, 3))
	c := camera{disk: vfs.NewMem(), random: random, ways: 1}
	images := 0
	c.look = func(im image) {
		if c.images%(7*thinning) == 0 {
			images += im.checkRecovery(t, options, random)
		}
	}
	c.run(t, randomHistory(3, 40, 3), options)
	t.Logf("%d images", images)
	if images < 500/thinning {
		t.Errorf("only %d images", images)
	}
}

// checkRecovery loses the power again, at every operation of Open.
func (im *image) checkRecovery(t *testing.T, options Options, random *rand.Rand) (images int) {
	t.Helper()
	again := camera{disk: im.disk, random: random, ways: 1, legal: im.legal}
	again.look = func(second image) { second.check(t, options) }
	options.FS = vfs.Faulty(im.disk, again.decide)
	l, err := Open(options)
	if err != nil {
		t.Fatalf("power loss before %+v, way %d: %v", im.op, im.way, err)
	}
	got, err := contents(l)
	must(t, err)
	// Once it was opened, what was torn is decided for good.
	after := image{disk: im.disk.CrashClone(vfs.LoseAll), legal: []string{got}, op: im.op}
	after.check(t, options)
	must(t, l.Close())
	return again.images
}

// The same with the goroutine that prepares and disposes of segments at work. The
// Saves go on while it has an image taken: what had been acknowledged before must be in
// it, and what was not begun until after it cannot.
func TestCrashWithBackground(t *testing.T) {
	disk := vfs.NewMem()
	random := rand.New(rand.NewPCG(5, 5))
	h := randomHistory(5, 60, 3)
	var begun, acknowledged atomic.Int64
	var images []image // taken by whoever does an operation, one at a time
	options := testOptions(vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if op.Kind&vfs.OpChange != 0 {
			first := acknowledged.Load()
			after := disk.CrashClone(vfs.Random(random))
			images = append(images, image{disk: after, legal: h.states[first : begun.Load()+1], op: op})
		}
		return vfs.Fault{}
	}))
	options.Synchronous = false
	l := mustOpen(t, options)
	for i, updates := range h.saves {
		begun.Store(int64(i + 1))
		must(t, l.Save(updates))
		acknowledged.Store(int64(i + 1))
	}
	must(t, l.Close())
	for i := range images {
		images[i].check(t, testOptions(nil))
	}
	if len(images) < 200 {
		t.Errorf("only %d images", len(images))
	}
}

// A Save that is divided among segments is there from its start on, in part.
func TestCrashInLargeSave(t *testing.T) {
	options := testOptions(nil)
	random := rand.New(rand.NewPCG(4, 4))
	m := make(model)
	var updates []wire.Update
	legal := []string{m.String()}
	for i := range 30 {
		u := wire.Update{Group: 1, Entries: entries(1, wire.Index(i+1), string(make([]byte, 900)))}
		updates = append(updates, u)
		m.apply(u)
		legal = append(legal, m.String())
	}
	found := make(map[string]bool)
	c := camera{disk: vfs.NewMem(), random: random, ways: 4}
	plain := options
	c.look = func(im image) { found[im.check(t, plain)] = true }
	options.FS = vfs.Faulty(c.disk, c.decide)
	c.legal = legal[:1]
	l := mustOpen(t, options)
	c.legal = legal
	must(t, l.Save(updates))
	c.legal = legal[len(legal)-1:]
	must(t, l.Close())
	if len(found) < 4 {
		t.Errorf("only %d different outcomes", len(found))
	}
}

// The incarnation is durable before anybody can have learned of it.
func TestCrashKeepsIncarnation(t *testing.T) {
	options := testOptions(nil)
	options.Incarnation = 0
	disk := vfs.NewMem()
	options.FS = disk
	l := mustOpen(t, options)
	want := l.Incarnation()
	for seed := range uint64(20) {
		options.FS = disk.CrashClone(vfs.Random(rand.New(rand.NewPCG(seed, 0))))
		after := mustOpen(t, options)
		if got := after.Incarnation(); got != want || got == 0 {
			t.Fatalf("incarnation %x, it was %x", got, want)
		}
		must(t, after.Close())
	}
	must(t, l.Close())
	options.FS = vfs.NewMem()
	other := mustOpen(t, options)
	if other.Incarnation() == want {
		t.Error("two folders have the same incarnation")
	}
	must(t, other.Close())
}

// The process dies and the system lives: what it had written and not synced is in the
// cache, and must be on the disk before it counts.
func TestKilledBeforeSync(t *testing.T) {
	disk := vfs.NewMem()
	options := testOptions(disk)
	l := mustOpen(t, options)
	must(t, l.Close())
	l = mustOpen(t, options)
	s := l.index.active()
	l.encoder.begin(s, l.tail.end, 1000)
	l.encoder.update(&wire.Update{Group: 1, Entries: entries(1, 1, "a")}, wire.LogID{})
	buf, _ := l.encoder.finish(l.tail)
	_, err := s.file.WriteAt(buf, int64(l.tail.end))
	must(t, err)
	must(t, l.lock.Close()) // As the system does when the process is gone.

	l = mustOpen(t, options)
	got, err := contents(l)
	must(t, err)
	after := image{disk: disk.CrashClone(vfs.LoseAll), legal: []string{got}}
	after.check(t, options)
	if len(got) == 0 {
		t.Error("what was in the cache was not found")
	}
	must(t, l.Close())
}
