// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/kv/kvtest"
)

// states returns snapshots of the state behind half of a log, and behind all of it.
func states(t testing.TB) (entries []raft.Entry, half, whole []byte) {
	t.Helper()
	entries = kvtest.Log(rand.New(rand.NewPCG(7, 7)), 400)
	m := kv.NewMachine()
	m.Apply(entries[:200])
	half = read(t, m)
	m.Apply(entries[200:])
	return entries, half, read(t, m)
}

// crashes makes a copy of the disk in front of every change of a file, as a crash would leave it.
type crashes struct {
	fs     *vfs.MemFS
	random *rand.Rand

	mu     sync.Mutex
	active bool
	copies []*vfs.MemFS
}

func (c *crashes) String() string { return "crashes" }

func (c *crashes) MaybeError(op errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		c.copies = append(c.copies, crash(c.fs, nil), crash(c.fs, c.random))
	}
	return nil
}

func (c *crashes) activate(active bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = active
}

// TestRestoreIsInterruptedAnywhere crashes in front of every file operation of a Restore.
func TestRestoreIsInterruptedAnywhere(t *testing.T) {
	entries, half, whole := states(t)
	c := &crashes{fs: vfs.NewCrashableMem(), random: rand.New(rand.NewPCG(5, 5))}
	m := openIn(t, errorfs.Wrap(c.fs, c))
	m.Apply(entries[:200])
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	c.activate(true)
	if err := m.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	c.activate(false)
	seen := map[raft.Index]int{}
	for i, fs := range append(c.copies, crash(c.fs, nil)) {
		crashed := openIn(t, fs)
		seen[crashed.Applied()]++
		switch got := read(t, crashed); {
		case crashed.Applied() == 200 && bytes.Equal(got, half), crashed.Applied() == 400 && bytes.Equal(got, whole):
		default:
			t.Fatalf("crash %d of %d leaves a state of %d bytes with %d applied", i, len(c.copies), len(got), crashed.Applied())
		}
		names, err := fs.List(folder)
		if err != nil || len(names) != 2 {
			t.Fatalf("crash %d leaves %q, %v", i, names, err)
		}
		crashed.Apply(entries[crashed.Applied():])
		if !bytes.Equal(read(t, crashed), whole) {
			t.Fatalf("crash %d: the log does not lead to the end", i)
		}
	}
	if len(c.copies) < 40 || seen[200] == 0 || seen[400] < 2 {
		t.Errorf("%d crashes, which left %v", len(c.copies), seen)
	}
}

// failingDisk fails one operation that changes what Restore builds, if it is given a number.
type failingDisk struct {
	mu   sync.Mutex
	left int64 // operations until then, -1 for none to fail
}

func (d *failingDisk) String() string { return "failing disk" }

func (d *failingDisk) MaybeError(op errorfs.Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left < 0 || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || strings.Contains(op.Path, "state-000001") {
		return nil
	}
	if d.left--; d.left >= 0 {
		return nil
	}
	return errorfs.ErrInjected
}

// fail fails one operation after n others, none if n is -1. It reports whether one was still to fail.
func (d *failingDisk) fail(n int64) (pending bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	pending, d.left = d.left >= 0, n
	return pending
}

// restoreOrDie restores, and reports whether the process would have ended, as Pebble wants it: where a folder
// cannot be synced it panics.
func restoreOrDie(m *Machine, died chan struct{}, snapshot []byte) (dead bool, err error) {
	restored := make(chan error, 1)
	panicked := make(chan struct{})
	go func() {
		defer func() {
			if recover() != nil {
				close(panicked)
			}
		}()
		restored <- m.Restore(bytes.NewReader(snapshot))
	}()
	select {
	case err := <-restored:
		return false, err
	case <-died:
	case <-panicked:
	}
	return true, nil
}

// TestTheDiskFailsInARestore fails each file operation in turn. Restore may be called again.
func TestTheDiskFailsInARestore(t *testing.T) {
	for n := int64(0); failRestore(t, n); n += 1 + n/8 {
	}
}

// failRestore reports whether a Restore has so many operations.
func failRestore(t *testing.T, n int64) bool {
	entries, half, whole := states(t)
	fs, failing, died := vfs.NewCrashableMem(), &failingDisk{left: -1}, make(chan struct{})
	options := testOptions(errorfs.Wrap(fs, failing))
	die := sync.OnceFunc(func() { close(died) })
	options.Fatal = func(string) {
		die()
		select {} // As a process that has ended.
	}
	m, err := Open(folder, options)
	if err != nil {
		t.Fatal(err)
	}
	m.Apply(entries[:200])
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	failing.fail(n)
	dead, err := restoreOrDie(m, died, whole)
	unused := failing.fail(-1)
	crashed := openIn(t, crash(fs, nil))
	if got := read(t, crashed); !bytes.Equal(got, half) && !bytes.Equal(got, whole) {
		t.Fatalf("operation %d fails, and a crash leaves %d bytes", n, len(got))
	}
	if dead {
		return true
	}
	if got := read(t, m); err != nil && !bytes.Equal(got, half) || err == nil && !bytes.Equal(got, whole) {
		t.Fatalf("operation %d fails, Restore returns %v, and the state has %d bytes", n, err, len(got))
	}
	if err := m.Restore(bytes.NewReader(whole)); err != nil || !bytes.Equal(read(t, m), whole) {
		t.Fatalf("operation %d fails, and the second Restore returns %v", n, err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return !unused
}

func TestCapturesOutliveCloseAndRestore(t *testing.T) {
	entries, half, whole := states(t)
	fs := vfs.NewMem()
	m := openIn(t, fs)
	m.Apply(entries[:200])
	first, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	second, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[io.ReadCloser][]byte{first: half, second: whole} {
		got, err := io.ReadAll(c)
		if err = errors.Join(err, c.Close(), c.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
		}
	}
	if _, err := m.Snapshot(); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed machine: %v", err)
	}
	if names, err := fs.List(folder); err != nil || slices.Contains(names, "state-000001") {
		t.Errorf("the folder holds %q, %v", names, err)
	}
	if again := openIn(t, fs); !bytes.Equal(read(t, again), whole) {
		t.Error("opened again, the state is another")
	}
}

func TestCommandsThatCannotBeApplied(t *testing.T) {
	entries, half, _ := states(t)
	tests := []struct {
		name  string
		entry raft.Entry
		want  error
	}{
		{"of a newer version", raft.Entry{Index: 201, Term: 9, Data: []byte{9, 9, 0, 0, 0, 0, 0, 0, 0, 0}}, kv.ErrUnsupported},
		{"malformed", raft.Entry{Index: 201, Term: 9}, kv.ErrMalformed},
		{"applied before", entries[199], ErrOrder},
	}
	for _, test := range tests {
		fs := vfs.NewMem()
		m := openIn(t, fs)
		replies := m.Apply(append(entries[:200:200], test.entry, entries[200]))
		said := "-UNKNOWN this node cannot read a command of a newer version"
		if test.want == ErrOrder {
			said = "-UNKNOWN this node's storage has failed"
		}
		if string(replies[200]) != string(replies[201]) || !strings.HasPrefix(string(replies[200]), said) {
			t.Errorf("%s: replies %q", test.name, replies[200:])
		}
		<-m.Halted()
		_, snapshot := m.Snapshot()
		_, applied := m.LastApplied()
		for what, err := range map[string]error{
			"Err": m.Err(), "Sync": m.Sync(), "Snapshot": snapshot, "LastApplied": applied, "Restore": m.Restore(bytes.NewReader(half)),
		} {
			if !errors.Is(err, test.want) {
				t.Errorf("%s: %s returns %v, want %v", test.name, what, err, test.want)
			}
		}
		if err := m.Close(); !errors.Is(err, test.want) {
			t.Errorf("%s: Close returns %v", test.name, err)
		}
		if again := openIn(t, fs); again.Applied() != 200 || !bytes.Equal(read(t, again), half) {
			t.Errorf("%s: the state is not that of before, with %d applied", test.name, again.Applied())
		}
	}
}

// TestTheDiskCannotBeRead fails reads under a command.
func TestTheDiskCannotBeRead(t *testing.T) {
	fs := vfs.NewMem()
	broken := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") {
			return errorfs.ErrInjected
		}
		return nil
	})}
	options := testOptions(errorfs.Wrap(fs, &broken))
	entries, _, whole := states(t)
	m, err := Open(folder, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	broken.On()
	get := kv.Command{Op: kv.OpKeys, Args: [][]byte{[]byte("*")}}
	for index := entries[len(entries)-1].Index + 1; m.Err() == nil && index < 1000; index++ {
		reply := string(m.Apply([]raft.Entry{{Index: index, Term: 9, Data: get.Append(nil)}})[0])
		if m.Err() != nil && !strings.HasPrefix(reply, "-UNKNOWN ") {
			t.Errorf("the reply is %q", reply)
		}
	}
	if err := m.Err(); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("the machine has not halted: %v", err)
	}
	if err := m.Sync(); err == nil {
		t.Error("Sync succeeds")
	}
}

// TestDamageHalts changes a byte of a table. A machine that meets it halts, and does not end the process.
func TestDamageHalts(t *testing.T) {
	fs := vfs.NewMem()
	options := testOptions(fs)
	options.Fatal = func(message string) { t.Errorf("the process ends: %s", message) }
	m, err := Open(folder, options)
	if err != nil {
		t.Fatal(err)
	}
	random, value := rand.New(rand.NewPCG(1, 1)), make([]byte, 10_000)
	for i := range value {
		value[i] = byte(random.Uint32())
	}
	set := kv.Command{Op: kv.OpSet, Args: [][]byte{[]byte("key"), value}}
	m.Apply([]raft.Entry{{Index: 1, Term: 1, Data: set.Append(nil)}})
	if err := m.Restore(bytes.NewReader(read(t, m))); err != nil {
		t.Fatal(err)
	}
	damageTable(t, fs, fs.PathJoin(folder, "state-000002"))
	get := kv.Command{Op: kv.OpGet, Args: [][]byte{[]byte("key")}}
	reply := m.Apply([]raft.Entry{{Index: 2, Term: 1, Data: get.Append(nil)}})[0]
	if err := m.Err(); !pebble.IsCorruptionError(err) || !strings.HasPrefix(string(reply), "-UNKNOWN ") {
		t.Errorf("the machine says %v and replies %.100q", err, reply)
	}
	if err := m.Close(); !pebble.IsCorruptionError(err) {
		t.Errorf("Close: %v", err)
	}
}

// damageTable changes a byte in the middle of the only table in a folder.
func damageTable(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, ".sst") })
	if i < 0 {
		t.Fatalf("there is no table among %q", names)
	}
	file, err := fs.OpenReadWrite(fs.PathJoin(dir, names[i]), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var one [1]byte
	at := info.Size() / 2
	if _, err := file.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 0x40
	if _, err := file.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}

// TestALeftoverIsNotForEver fails where a Restore has built a database and cannot use it: the next one
// does not find the disk full of what the ones before have left.
func TestALeftoverIsNotForEver(t *testing.T) {
	entries, half, whole := states(t)
	for _, where := range []string{"opened", "written down", "renamed", "synced"} {
		fs := vfs.NewCrashableMem()
		var renamed atomic.Bool
		broken := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
			isRename := op.Kind == errorfs.OpRename && strings.HasSuffix(op.Path, currentTmpName)
			if isRename {
				renamed.Store(true)
			}
			fails := map[string]bool{
				"opened":       op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".log"),
				"written down": op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, currentTmpName),
				"renamed":      isRename,
				"synced":       op.Kind == errorfs.OpFileSync && op.Path == folder && renamed.Load(),
			}
			if fails[where] {
				return errorfs.ErrInjected
			}
			return nil
		})}
		m := openIn(t, errorfs.Wrap(fs, &broken))
		m.Apply(entries[:200])
		if err := m.Sync(); err != nil {
			t.Fatal(err)
		}
		broken.On()
		for range 4 {
			if err := m.Restore(bytes.NewReader(whole)); !errors.Is(err, errorfs.ErrInjected) {
				t.Fatalf("%s: Restore returns %v", where, err)
			}
		}
		if names := stateNames(t, fs); len(names) > 2 {
			t.Errorf("%s: four attempts leave %q", where, names)
		}
		if got := read(t, openIn(t, crash(fs, nil))); !bytes.Equal(got, half) && !bytes.Equal(got, whole) {
			t.Errorf("%s: a crash leaves %d bytes", where, len(got))
		}
		broken.Off()
		if err := m.Restore(bytes.NewReader(whole)); err != nil || !bytes.Equal(read(t, m), whole) {
			t.Errorf("%s: in the end Restore returns %v", where, err)
		}
		if names := stateNames(t, fs); len(names) != 1 {
			t.Errorf("%s: a Restore leaves %q", where, names)
		}
	}
}

func stateNames(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List(folder)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, statePrefix) })
}

// TestADiskThatStaysFull fails every write of the tables that Restore builds, as a disk without space does.
// Pebble would try for ever.
func TestADiskThatStaysFull(t *testing.T) {
	entries, _, whole := states(t)
	fs, died := vfs.NewMem(), make(chan struct{})
	full := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "state-000002") && strings.HasSuffix(op.Path, ".sst") {
			return errorfs.ErrInjected
		}
		return nil
	})
	options := testOptions(errorfs.Wrap(fs, full))
	die := sync.OnceFunc(func() { close(died) })
	options.Fatal = func(string) {
		die()
		select {} // As a process that has ended.
	}
	m, err := Open(folder, options)
	if err != nil {
		t.Fatal(err)
	}
	m.Apply(entries[:200])
	if dead, err := restoreOrDie(m, died, whole); !dead {
		t.Errorf("Restore returns %v", err)
	}
}

func TestAMissingCurrentIsNotANewFolder(t *testing.T) {
	_, _, whole := states(t)
	fs := vfs.NewMem()
	m := openIn(t, fs)
	if err := m.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove(fs.PathJoin(folder, currentName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, testOptions(fs)); !errors.Is(err, ErrMalformed) {
		t.Errorf("Open: %v", err)
	}
	if names := stateNames(t, fs); len(names) != 1 {
		t.Errorf("Open leaves %q", names)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, content := range map[string]string{"nothing": "", "another name": "other\n", "no number": "state-x\n", "zero": "state-0\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, currentName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		options := testOptions(vfs.Default)
		if _, err := Open(dir, options); !errors.Is(err, ErrMalformed) {
			t.Errorf("CURRENT holds %s: %v", name, err)
		}
	}
}

// TestOnDisk uses real files, which only one may have open.
func TestOnDisk(t *testing.T) {
	entries, _, whole := states(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	for batch := range slices.Chunk(entries, 100) {
		m, err := Open(dir, testOptions(vfs.Default))
		if err != nil {
			t.Fatal(err)
		}
		m.Apply(batch)
		if _, err := Open(dir, testOptions(vfs.Default)); err == nil {
			t.Error("opened twice")
		}
		if err := m.Restore(bytes.NewReader(read(t, m))); err != nil {
			t.Fatal(err)
		}
		if batch[0].Index > 300 && !bytes.Equal(read(t, m), whole) {
			t.Error("another state")
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
