// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"bytes"
	"fmt"
	"testing"
)

// swept returns the disks that a Sweep leaves, described, in order.
func swept(t *testing.T, s Sweep, m *Mem) []string {
	t.Helper()
	var found []string
	s.Of(m, func(after *Mem) bool {
		names, err := after.ReadDir("/d")
		must(t, err)
		disk := ""
		for _, name := range names {
			disk += name + "="
			content := read(t, after, "/d/"+name)
			for i := 0; i < len(content); i += SectorBytes / 2 {
				disk += fmt.Sprintf("%c", content[i])
			}
			disk += fmt.Sprintf("/%d ", len(content))
		}
		found = append(found, disk)
		return true
	})
	return found
}

func distinct(found []string) int {
	set := make(map[string]bool)
	for _, disk := range found {
		set[disk] = true
	}
	return len(set)
}

// Every subset of what was not synced is left once, with every version of a sector,
// and what makes no difference is not varied.
func TestSweepOfSubsets(t *testing.T) {
	m := crashed(t) // Two sectors, one of them written twice.
	file, err := m.Open("/d/f")
	must(t, err)
	_, err = file.WriteAt(bytes.Repeat([]byte("o"), SectorBytes), SectorBytes) // As it was.
	must(t, err)
	must(t, create(t, m, "/d/a", []byte("xy")).Close())
	found := swept(t, Sweep{SubsetsMax: 8}, m)
	// The file that is new is not there, or is, empty, or with zeroes, or with all.
	if want := 3 * 2 * 4; len(found) != want || distinct(found) != want {
		t.Errorf("%d disks, %d of them distinct, want %d: %q", len(found), distinct(found), want, found)
	}
}

func TestSweepOfNothing(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("/d"))
	if found := swept(t, Sweep{SubsetsMax: 8, Tears: []Survival{Torn}, Seeds: 3}, m); len(found) != 1 {
		t.Errorf("%d disks", len(found))
	}
}

// The zero Sweep leaves all or nothing.
func TestSweepOfTwo(t *testing.T) {
	found := swept(t, Sweep{}, crashed(t))
	if len(found) != 2 || found[0] != "f=oooooo/1536 " || found[1] != "f=bbooaa/1536 " {
		t.Errorf("disks %q", found)
	}
}

// Where there are too many subsets, the systematic ones are left.
func TestSweepOfFamilies(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("/d"))
	must(t, m.SyncDir("/d"))
	must(t, create(t, m, "/d/f", bytes.Repeat([]byte("n"), 6*SectorBytes)).Close())
	found := swept(t, Sweep{SubsetsMax: 3}, m)
	set := make(map[string]bool)
	for _, disk := range found {
		set[disk] = true
	}
	zero := string(rune(0)) + string(rune(0))
	for name, sectors := range map[string]string{
		"no name": "", "all": "nnnnnn", "none": "      ", "prefix": "nnn   ", "suffix": "   nnn",
		"all but one": "nn nnn", "one": "    n ", "every other": " n n n",
	} {
		want := ""
		if sectors != "" {
			want = "f="
			for _, sector := range sectors {
				if sector == 'n' {
					want += "nn"
				} else {
					want += zero
				}
			}
			want += fmt.Sprintf("/%d ", 6*SectorBytes)
		}
		if !set[want] {
			t.Errorf("%s is missing: %q", name, found)
		}
	}
}

// Each sector is torn in each way, in three surroundings.
func TestSweepOfTears(t *testing.T) {
	m := crashed(t)
	tears := []Survival{TornAt(SectorBytes / 2), TornFrom(SectorBytes / 2), Garbage, Zeroed}
	found := swept(t, Sweep{Tears: tears}, m)[2:]
	if len(found) != 2*3*len(tears) {
		t.Errorf("%d disks", len(found))
	}
	set := make(map[string]bool)
	for _, disk := range found {
		set[disk] = true
	}
	zero := string(rune(0)) + string(rune(0))
	for _, want := range []string{
		"f=boooaa/1536 ", "f=booooo/1536 ", "f=bboooa/1536 ", "f=ooooao/1536 ", "f=oboooo/1536 ", "f=" + zero + "oooo/1536 ",
	} {
		if !set[want] {
			t.Errorf("%q is missing: %q", want, found)
		}
	}
}

// A visitor that has seen enough is asked no more.
func TestSweepStops(t *testing.T) {
	all := Sweep{SubsetsMax: 8, Tears: []Survival{Torn}, Seeds: 3}
	families := Sweep{SubsetsMax: 1, Tears: []Survival{Torn}, Seeds: 3}
	for _, s := range []Sweep{all, families} {
		total := len(swept(t, s, crashed(t)))
		for limit := 1; limit < total; limit++ {
			visited := 0
			s.Of(crashed(t), func(*Mem) bool {
				visited++
				return visited < limit
			})
			if visited != limit {
				t.Errorf("visited %d of %d", visited, limit)
			}
		}
	}
}

// How much of a sector is torn is as it was said, at either end and beyond.
func TestTornBytes(t *testing.T) {
	for _, bytes := range []int{-1, 0, 1, 48, 511, 512, 600} {
		m := crashed(t)
		for way, survival := range map[string]Survival{"at": TornAt(bytes), "from": TornFrom(bytes)} {
			content := read(t, m.CrashClone(func(u Unsynced) Survival {
				if u.Offset == 0 {
					return survival
				}
				return Lost
			}), "/d/f")
			for i, b := range content[:SectorBytes] {
				isNew := (i < bytes) == (way == "at")
				if (b == 'b') != isNew {
					t.Fatalf("torn %s %d: byte %d is %c", way, bytes, i, b)
				}
			}
		}
	}
}
