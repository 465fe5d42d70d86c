// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// crashed returns a file system with a synced file of three sectors of 'o', of which
// the first was then written twice and the last once, with 'a' and 'b'.
func crashed(t *testing.T) *Mem {
	t.Helper()
	m := NewMem()
	must(t, m.MkdirAll("/d"))
	file := create(t, m, "/d/f", bytes.Repeat([]byte("o"), 3*SectorBytes))
	must(t, file.Sync())
	must(t, m.SyncDir("/d"))
	for offset, letters := range map[int64]string{0: "ab", 2 * SectorBytes: "a"} {
		for _, letter := range letters {
			_, err := file.WriteAt(bytes.Repeat([]byte(string(letter)), SectorBytes), offset)
			must(t, err)
		}
	}
	return m
}

func TestCrashDecidesSectorBySector(t *testing.T) {
	half := SectorBytes / 2
	for name, test := range map[string]struct {
		first Survival
		last  Survival
		want  string // the letters that begin each half sector
	}{
		"lost":    {Lost, Lost, "oooooo"},
		"newest":  {2, 1, "bbooaa"},
		"older":   {1, Lost, "aaoooo"},
		"torn":    {Torn, Torn, "booo" + "ao"},
		"too far": {3, 1, "ooooaa"},
	} {
		t.Run(name, func(t *testing.T) {
			m := crashed(t)
			after := m.CrashClone(func(u Unsynced) Survival {
				if u.Offset == 0 {
					return test.first
				}
				return test.last
			})
			content := read(t, after, "/d/f")
			got := ""
			for i := 0; i < len(content); i += half {
				got += string(content[i])
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCrashAsksInOrder(t *testing.T) {
	m := crashed(t)
	must(t, create(t, m, "/d/a", []byte("x")).Close())
	var asked []Unsynced
	m.CrashClone(func(u Unsynced) Survival {
		asked = append(asked, u)
		return KeepAll(u)
	})
	want := []Unsynced{
		{Kind: UnsyncedName, Path: "/d/a", Versions: 1},
		{Kind: UnsyncedSector, Path: "/d/f", Offset: 0, Versions: 2},
		{Kind: UnsyncedSector, Path: "/d/f", Offset: 2 * SectorBytes, Versions: 1},
		{Kind: UnsyncedSize, Path: "/d/a", Versions: 1},
		{Kind: UnsyncedSector, Path: "/d/a", Offset: 0, Versions: 1},
	}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %+v", asked)
	}
}

func TestCrashLosesNothingSynced(t *testing.T) {
	m := crashed(t)
	file, err := m.Open("/d/f")
	must(t, err)
	must(t, file.SyncData())
	want := read(t, m, "/d/f")
	after := m.CrashClone(func(u Unsynced) Survival {
		t.Errorf("asked about %+v", u)
		return Lost
	})
	if !bytes.Equal(read(t, after, "/d/f"), want) {
		t.Error("lost what was synced")
	}
}

func TestCrashIsDeterministic(t *testing.T) {
	m := crashed(t)
	image := func(seed uint64) []byte {
		return read(t, m.CrashClone(Random(rand.New(rand.NewPCG(seed, 0)))), "/d/f")
	}
	distinct := make(map[string]bool)
	for seed := range uint64(50) {
		if !bytes.Equal(image(seed), image(seed)) {
			t.Fatalf("seed %d gives two disks", seed)
		}
		distinct[string(image(seed))] = true
	}
	if len(distinct) < 6 {
		t.Errorf("only %d different disks", len(distinct))
	}
}

func TestCrashOfNames(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("/d"))
	for _, name := range []string{"/d/removed", "/d/renamed"} {
		file := create(t, m, name, []byte("x"))
		must(t, file.Sync())
		must(t, file.Close())
	}
	must(t, m.SyncDir("/d"))
	must(t, m.Remove("/d/removed"))
	must(t, m.Rename("/d/renamed", "/d/other"))
	must(t, create(t, m, "/d/new", nil).Close())

	for name, test := range map[string]struct {
		decide func(Unsynced) Survival
		want   []string
	}{
		"none":      {LoseAll, []string{"removed", "renamed"}},
		"all":       {KeepAll, []string{"new", "other"}},
		"last only": {only("/d/new"), []string{"new", "removed", "renamed"}},
		"rename":    {only("/d/other"), []string{"other", "removed"}},
	} {
		names, err := m.CrashClone(test.decide).ReadDir("/d")
		must(t, err)
		if !slices.Equal(names, test.want) {
			t.Errorf("%s: %q, want %q", name, names, test.want)
		}
	}
	must(t, m.SyncDir("/d"))
	names, err := m.CrashClone(LoseAll).ReadDir("/d")
	must(t, err)
	if !slices.Equal(names, []string{"new", "other"}) {
		t.Errorf("after the sync: %q", names)
	}
}

func only(path string) func(Unsynced) Survival {
	return func(u Unsynced) Survival {
		if u.Path == path {
			return KeepAll(u)
		}
		return Lost
	}
}

func TestCrashOfSize(t *testing.T) {
	m := crashed(t)
	file, err := m.Open("/d/f")
	must(t, err)
	must(t, file.Sync())
	must(t, file.Truncate(SectorBytes))
	_, err = file.WriteAt([]byte("z"), 4*SectorBytes)
	must(t, err)

	if got := read(t, m.CrashClone(LoseAll), "/d/f"); len(got) != 3*SectorBytes || got[2*SectorBytes] != 'a' {
		t.Errorf("a truncation that was not synced was made: %d bytes", len(got))
	}
	sizeOnly := m.CrashClone(func(u Unsynced) Survival {
		if u.Kind == UnsyncedSize {
			return KeepAll(u)
		}
		return Lost
	})
	if got := read(t, sizeOnly, "/d/f"); len(got) != 4*SectorBytes+1 || got[4*SectorBytes] != 0 {
		t.Errorf("the size without the data: %d bytes", len(got))
	}
	if got := read(t, m.CrashClone(KeepAll), "/d/f"); got[2*SectorBytes] != 0 || got[4*SectorBytes] != 'z' {
		t.Error("what was cut off came back")
	}
}

func TestCloneIsIndependent(t *testing.T) {
	m := crashed(t)
	after := m.CrashClone(KeepAll)
	want := read(t, m, "/d/f")
	file, err := after.Open("/d/f")
	must(t, err)
	_, err = file.WriteAt([]byte("zzzz"), 0)
	must(t, err)
	must(t, file.Sync())
	if !bytes.Equal(read(t, m, "/d/f"), want) {
		t.Error("a write to the clone changed the original")
	}
}
