// SPDX-License-Identifier: Apache-2.0

package applier_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/balsa-raft/raft/internal/applier"
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// world is everything around an applier. It writes down what happens, in order.
type world struct {
	log []wire.Entry // the entry with index i is at i-1

	journal   []string
	loads     int
	loadErr   error
	onLoad    func()
	loadWrong bool // Load returns an entry that was not asked for
	block     chan struct{}
	panics    bool
	values    func(batch []wire.Entry) [][]byte
	failure   error
}

func (w *world) note(format string, args ...any) {
	w.journal = append(w.journal, fmt.Sprintf(format, args...))
}

func (w *world) Load(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	w.loads++
	if w.onLoad != nil {
		w.onLoad()
	}
	if w.loadErr != nil {
		return nil, w.loadErr
	}
	if w.loadWrong {
		lo++
	}
	size := 0
	for i := lo; i <= hi; i++ {
		if size += w.log[i-1].Size(); size > bytesMax && i > lo {
			break
		}
		dst = append(dst, w.log[i-1])
	}
	return dst, nil
}

func (w *world) Apply(batch []wire.Entry) [][]byte {
	if w.block != nil {
		<-w.block
	}
	w.note("apply %s", names(batch))
	if w.panics {
		panic("a bug in the state machine")
	}
	if w.values != nil {
		return w.values(batch)
	}
	return nil
}

func (w *world) Applied(commands []wire.Entry, values [][]byte) {
	w.note("applied %s%s", names(commands), text(values))
}

func (w *world) EntriesApplied(through wire.Index) { w.note("through %d", through) }

func (w *world) ApplyFailed(err error) {
	w.note("failed")
	w.failure = err
}

func (w *world) Restored(wire.SnapshotMeta) { w.note("restored") }

func (w *world) RestoreFailed(wire.SnapshotMeta, error) { w.note("restore failed") }

// at is a point at which entries through an index were applied.
func at(index wire.Index) applier.Point {
	return applier.Point{Applied: wire.LogID{Term: 1, Index: index}}
}

func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(w.journal, want) {
		t.Errorf("what happened:\n%s\nwant:\n%s", strings.Join(w.journal, "\n"), strings.Join(want, "\n"))
	}
	w.journal = nil
}

func names(entries []wire.Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, fmt.Sprint(e.Index))
	}
	return strings.Join(list, ",")
}

func text(values [][]byte) string {
	if values == nil {
		return ""
	}
	return fmt.Sprintf(" %s", values)
}

// newLog makes a log of the kinds given: c for a command, b for a blank entry, m for a membership.
func newLog(kinds string) []wire.Entry {
	of := map[rune]wire.EntryKind{'c': wire.EntryCommand, 'b': wire.EntryBlank, 'm': wire.EntryMembership}
	var log []wire.Entry
	for i, kind := range kinds {
		data := []byte{byte(i)}
		if kind == 'm' {
			membership := wire.NewMembership(wire.Member{ID: wire.NodeID(i + 1)})
			data = wire.AppendMembership(nil, &membership)
		}
		log = append(log, wire.Entry{Index: wire.Index(i + 1), Term: 1, Kind: of[kind], Data: data})
	}
	return log
}

// entrySize is that of each entry of newLog.
const entrySize = wire.EntryOverhead + 1

func TestApplyBatches(t *testing.T) {
	tests := []struct {
		name       string
		log        string
		applied    wire.Index
		batchBytes int
		through    wire.Index
		want       []string
	}{
		{"all at once", "mbccc", 0, 1 << 20, 5, []string{"apply 3,4,5", "applied 3,4,5", "through 5"}},
		{"only what is committed", "mbccc", 0, 1 << 20, 4, []string{"apply 3,4", "applied 3,4", "through 4"}},
		{"nothing for the state machine", "mbb", 0, 1 << 20, 3, []string{"through 3"}},
		{"gaps", "cmcbc", 0, 1 << 20, 5, []string{"apply 1,3,5", "applied 1,3,5", "through 5"}},
		{"two at a time", "ccccc", 0, 2 * entrySize, 5, []string{
			"apply 1,2", "applied 1,2", "through 2", "apply 3,4", "applied 3,4", "through 4", "apply 5", "applied 5", "through 5"}},
		{"at least one at a time", "cbc", 0, 1, 3, []string{
			"apply 1", "applied 1", "through 1", "through 2", "apply 3", "applied 3", "through 3"}},
		{"behind what was applied", "ccccc", 3, 1 << 20, 5, []string{"apply 4,5", "applied 4,5", "through 5"}},
		{"nothing new", "ccccc", 5, 1 << 20, 5, nil},
		{"older news", "ccccc", 4, 1 << 20, 2, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{log: newLog(test.log)}
			a := applier.New(w, w, w, at(test.applied), test.batchBytes, 0)
			if a.Step() || w.loads > 0 {
				t.Error("it works before anything is committed")
			}
			a.Through(test.through)
			steps := 0
			for a.Step() {
				steps++
			}
			if w.loads > 0 && steps+1 != w.loads {
				t.Errorf("%d steps that say there is more for %d batches", steps, w.loads)
			}
			w.expect(t, test.want...)
			if a.Step() || len(w.journal) > 0 {
				t.Error("it works although there is nothing left to do")
			}
		})
	}
}

func TestEveryCommandOnceInOrder(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var kinds strings.Builder
		for range 1 + random.IntN(60) {
			kinds.WriteByte("cccbm"[random.IntN(5)])
		}
		w := &world{log: newLog(kinds.String())}
		a := applier.New(w, w, w, applier.Point{}, 1+random.IntN(5*entrySize), 0)
		for through := 0; through < len(w.log); {
			through += random.IntN(len(w.log) - through + 1)
			a.Through(wire.Index(through))
			a.Through(wire.Index(random.IntN(through + 1))) // Older news changes nothing.
			for range random.IntN(4) {
				a.Step()
			}
		}
		for a.Step() {
		}
		var applied, want []string
		for _, line := range w.journal {
			if batch, ok := strings.CutPrefix(line, "apply "); ok {
				applied = append(applied, strings.Split(batch, ",")...)
			}
		}
		for i, kind := range kinds.String() {
			if kind == 'c' {
				want = append(want, fmt.Sprint(i+1))
			}
		}
		if !slices.Equal(applied, want) {
			t.Fatalf("seed %d: applied %v of %s, want %v", seed, applied, kinds.String(), want)
		}
		if last := w.journal[len(w.journal)-1]; last != fmt.Sprintf("through %d", len(w.log)) {
			t.Fatalf("seed %d: the last report is %q", seed, last)
		}
	}
}

func TestValuesGoWithTheirCommands(t *testing.T) {
	w := &world{log: newLog("cbc")}
	w.values = func(batch []wire.Entry) [][]byte {
		var values [][]byte
		for _, e := range batch {
			values = append(values, fmt.Append(nil, "v", e.Index))
		}
		return values
	}
	a := applier.New(w, w, w, applier.Point{}, 1<<20, 0)
	a.Through(3)
	a.Step()
	w.expect(t, "apply 1,3", "applied 1,3 [v1 v3]", "through 3")
}

func TestFailuresAreFinal(t *testing.T) {
	cause := errors.New("unreadable")
	count := func(n int) func([]wire.Entry) [][]byte {
		return func([]wire.Entry) [][]byte { return make([][]byte, n) }
	}
	tests := []struct {
		name    string
		world   world
		want    []string
		message string
	}{
		{"too few values", world{values: count(1)}, []string{"apply 1,2", "failed"}, "1 values for 2 commands"},
		{"too many values", world{values: count(3)}, []string{"apply 1,2", "failed"}, "3 values for 2 commands"},
		{"no values, but not nil", world{values: count(0)}, []string{"apply 1,2", "failed"}, "0 values for 2 commands"},
		{"a panic", world{panics: true}, []string{"apply 1,2", "failed"}, "a bug in the state machine"},
		{"an unreadable entry", world{loadErr: cause}, []string{"failed"}, cause.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &test.world
			w.log = newLog("cccc")
			a := applier.New(w, w, w, applier.Point{}, 2*entrySize, 0)
			a.Through(3)
			if a.Step() {
				t.Error("there is more to do after a failure")
			}
			w.expect(t, test.want...)
			if !strings.Contains(w.failure.Error(), test.message) || (test.name == "an unreadable entry") != errors.Is(w.failure, cause) {
				t.Errorf("the failure is %v", w.failure)
			}
			w.panics, w.values, w.loadErr = false, nil, nil
			a.Through(4)
			for range 3 {
				if a.Step() {
					t.Error("it goes on after a failure")
				}
			}
			w.expect(t)
		})
	}
}

func TestWrongEntriesViolateAnInvariant(t *testing.T) {
	w := &world{log: newLog("cccc"), loadWrong: true}
	a := applier.New(w, w, w, applier.Point{}, entrySize, 0)
	a.Through(2)
	defer func() {
		if _, ok := recover().(*invariant.Violation); !ok || len(w.journal) > 0 {
			t.Errorf("entry 2 in place of entry 1 was taken: %v", w.journal)
		}
	}()
	a.Step()
}

// inBubble runs an applier, which test or what follows it closes.
func inBubble(t *testing.T, w *world, batchBytes int, test func(t *testing.T, a *applier.Applier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if w.block != nil {
			w.block = make(chan struct{}) // One of this bubble.
		}
		a := applier.New(w, w, w, applier.Point{}, batchBytes, 0)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.Run()
		}()
		test(t, a)
		a.Close()
		<-ended
	})
}

func TestRunAppliesWhatIsCommitted(t *testing.T) {
	w := &world{log: newLog("cccc")}
	inBubble(t, w, entrySize, func(t *testing.T, a *applier.Applier) {
		synctest.Wait()
		w.expect(t)
		a.Through(2)
		synctest.Wait()
		w.expect(t, "apply 1", "applied 1", "through 1", "apply 2", "applied 2", "through 2")
		a.Through(3)
		synctest.Wait()
		w.expect(t, "apply 3", "applied 3", "through 3")
	})
	w.expect(t)
}

func TestCommittedWhileABatchIsApplied(t *testing.T) {
	w := &world{log: newLog("ccc"), block: make(chan struct{})}
	inBubble(t, w, 1<<20, func(t *testing.T, a *applier.Applier) {
		a.Through(1)
		synctest.Wait()
		a.Through(2)
		a.Through(3)
		close(w.block)
		synctest.Wait()
		w.expect(t, "apply 1", "applied 1", "through 1", "apply 2,3", "applied 2,3", "through 3")
	})
}

func TestCloseEndsAfterTheBatch(t *testing.T) {
	w := &world{log: newLog("ccc"), block: make(chan struct{})}
	inBubble(t, w, entrySize, func(t *testing.T, a *applier.Applier) {
		a.Through(3)
		synctest.Wait()
		a.Close()
		synctest.Wait()
		w.expect(t)
		close(w.block)
		synctest.Wait()
		w.expect(t, "apply 1", "applied 1", "through 1")
		a.Through(3)
		synctest.Wait()
		w.expect(t)
	})
}

func TestRunEndsAfterAFailure(t *testing.T) {
	w := &world{log: newLog("ccc"), panics: true}
	inBubble(t, w, entrySize, func(t *testing.T, a *applier.Applier) {
		a.Through(3)
		synctest.Wait()
		w.expect(t, "apply 1", "failed")
		a.Through(3)
		synctest.Wait()
		w.expect(t)
	})
}

// TestASnapshotSupersedesWhatIsGone: entries that are gone because a snapshot takes their place
// are no failure.
func TestASnapshotSupersedesWhatIsGone(t *testing.T) {
	w := &world{log: newLog("bccc"), loadErr: errors.New("gone")}
	m := &restorable{world: w}
	a := applier.New(m, w, w, applier.Point{}, 1<<20, 0)
	a.Through(3)
	w.onLoad = func() {
		a.Restore(wire.SnapshotMeta{ID: 1, Last: wire.LogID{Term: 1, Index: 4}}, func() io.ReadCloser { return io.NopCloser(strings.NewReader("")) })
	}
	for a.Step() {
	}
	w.expect(t, "restore", "restored", "through 4")
	if w.failure != nil {
		t.Error(w.failure)
	}
}

// restorable is a world whose state can be replaced.
type restorable struct{ *world }

func (r *restorable) Snapshot() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("")), nil
}

func (r *restorable) Restore(io.Reader) error {
	r.note("restore")
	return nil
}
