// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// published makes a disk with snapshots of these lengths, and returns the file of the last.
func published(t testing.TB, lengths ...int) (disk *vfs.Mem, samples []sample, file []byte) {
	t.Helper()
	disk = vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	for i, length := range lengths {
		p := sampleOf(1, wire.Index(5+4*i), length)
		must(t, p.finish(s))
		samples = append(samples, p)
	}
	must(t, s.Close())
	return disk, samples, readFile(t, disk, pathOf(&samples[len(samples)-1], publishedSuffix))
}

// checkDamaged opens a store on a disk where the second of two snapshots is damaged: that is
// found out, by Open or by reading; nothing wrong is ever returned, and the file is set
// aside, with one warning. The first one stays what it was.
func checkDamaged(t *testing.T, disk *vfs.Mem, samples []sample, what string) (by string) {
	t.Helper()
	var log journal
	options := testOptions(disk)
	options.Logger = log.logger()
	s := mustOpen(t, options)
	good, bad := samples[0], samples[1]
	list, err := s.List(1)
	must(t, err)
	by = "Open"
	if len(list) == 2 {
		by = "ReadAt"
		buf := make([]byte, len(bad.data)+1)
		n, err := s.ReadAt(1, bad.meta.ID, buf, 0)
		var damage *DamagedError
		if !errors.As(err, &damage) || !errors.Is(err, ErrDamaged) || damage.Path != pathOf(&bad, publishedSuffix) {
			t.Fatalf("%s: read %d bytes, error %v", what, n, err)
		}
		if !bytes.HasPrefix(bad.data, buf[:n]) {
			t.Fatalf("%s: %d bytes were returned, and they are wrong", what, n)
		}
	}
	requireShown(t, s, 1, good)
	if _, err := s.ReadAt(1, bad.meta.ID, make([]byte, 1), 0); !errors.Is(err, ErrNotFound) {
		t.Fatalf("%s: then a read gives %v", what, err)
	}
	if n := log.count("level=WARN"); n != 1 || log.count(pathOf(&bad, publishedSuffix)) != 1 {
		t.Fatalf("%s: %d warnings: %s", what, n, &log.text)
	}
	must(t, s.Close())
	found := strings.Join(names(t, disk), " ")
	if strings.Contains(found, fileName{1, bad.meta.ID, publishedSuffix}.String()) || !strings.Contains(found, fileName{1, bad.meta.ID, damagedSuffix}.String()) {
		t.Fatalf("%s: the folder has %s", what, found)
	}
	return by
}

// Every bit of a file is covered.
func TestEveryBit(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	found := map[string]int{}
	for offset := 0; offset < len(file); offset++ {
		for bit := 0; bit < 8; bit += thinning {
			content := bytes.Clone(file)
			content[offset] ^= 1 << bit
			after := disk.CrashClone(vfs.LoseAll)
			replaceFile(t, after, pathOf(&samples[1], publishedSuffix), content)
			found[checkDamaged(t, after, samples, fmt.Sprintf("bit %d of byte %d", bit, offset))]++
		}
	}
	// Header and footer are found out by Open, all else by reading.
	blocks := 1300 + 3*blockSumBytes
	if ways := 8 / thinning; found["Open"] != ways*(len(file)-blocks) || found["ReadAt"] != ways*blocks {
		t.Errorf("found %v in a file of %d bytes", found, len(file))
	}
}

// A file that is cut, or longer than it was, or in part of another, is found out.
func TestEveryLength(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	check := func(content []byte, format string, args ...any) {
		t.Helper()
		if bytes.Equal(content, file) {
			return // The footer ends with zeroes.
		}
		after := disk.CrashClone(vfs.LoseAll)
		replaceFile(t, after, pathOf(&samples[1], publishedSuffix), content)
		checkDamaged(t, after, samples, fmt.Sprintf(format, args...))
	}
	for length := 0; length < len(file); length += thinning {
		check(file[:length], "cut after %d bytes", length)
		check(append(bytes.Clone(file[:length]), make([]byte, len(file)-length)...), "zeroes from %d on", length)
		check(append(make([]byte, length+1), file[length+1:]...), "%d zeroes at the start", length+1)
	}
	check(append(bytes.Clone(file), 0), "a byte longer")
	check(append(bytes.Clone(file), file[len(file)-footerBytes:]...), "two footers")
	first := readFile(t, disk, pathOf(&samples[0], publishedSuffix))
	check(first, "another snapshot's file")
	header := headerSize(file)
	for block := range 2 {
		from := header + block*(blockSumBytes+blockBytesMin)
		content := bytes.Clone(file)
		copy(content[from:from+blockSumBytes+blockBytesMin], file[header+(1-block)*(blockSumBytes+blockBytesMin):])
		check(content, "block %d is another", block)
		content = bytes.Clone(file)
		copy(content[from:from+blockSumBytes+100], first[headerSize(first)+block*(blockSumBytes+blockBytesMin):])
		check(content, "block %d is another snapshot's", block)
	}
}

// The same while the store is open: what is read first, and what is read when the file has been
// open for long.
func TestDamageWhileOpen(t *testing.T) {
	for _, isRead := range []bool{false, true} {
		disk, samples, file := published(t, 700, 1300)
		for offset := range file {
			if isRead && (offset < headerSize(file) || offset >= len(file)-footerBytes) {
				continue // Nobody looks at these while the file is open.
			}
			after := disk.CrashClone(vfs.LoseAll)
			s := mustOpen(t, testOptions(after))
			buf := make([]byte, len(samples[1].data))
			if isRead {
				if _, err := s.ReadAt(1, samples[1].meta.ID, buf, 0); err != io.EOF {
					t.Fatal(err)
				}
			}
			content := bytes.Clone(file)
			content[offset] ^= 0x80
			replaceFile(t, after, pathOf(&samples[1], publishedSuffix), content)
			if n, err := s.ReadAt(1, samples[1].meta.ID, buf, 0); !errors.Is(err, ErrDamaged) || !bytes.HasPrefix(samples[1].data, buf[:n]) {
				t.Fatalf("byte %d: read %d bytes, %v", offset, n, err)
			}
			requireShown(t, s, 1, samples[0])
			must(t, s.Close())
		}
	}
}

// A good file is not taken for another one, whose place it has.
func TestReplacedWhileOpen(t *testing.T) {
	disk, samples, file := published(t, 1300, 1300)
	s := mustOpen(t, testOptions(disk))
	replaceFile(t, disk, pathOf(&samples[0], publishedSuffix), file)
	n, err := s.ReadAt(1, samples[0].meta.ID, make([]byte, 1300), 0)
	if n != 0 || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "another than the one that was published") {
		t.Errorf("read %d bytes, %v", n, err)
	}
	requireShown(t, s, 1, samples[1])
	must(t, s.Close())
}

// Of each group one damaged file is kept, the latest, and that the other is removed is said.
// A group's files are no concern of another.
func TestOneIsKept(t *testing.T) {
	disk := vfs.NewMem()
	var log journal
	options := testOptions(disk)
	options.Logger = log.logger()
	s := mustOpen(t, options)
	a, b, c, other := sampleOf(1, 5, 600), sampleOf(1, 6, 600), sampleOf(1, 7, 600), sampleOf(2, 5, 600)
	for i, p := range []sample{a, other, b, c, b} {
		must(t, p.finish(s))
		content := readFile(t, disk, pathOf(&p, publishedSuffix))
		content[len(content)/2] ^= 1
		replaceFile(t, disk, pathOf(&p, publishedSuffix), content)
		if i%2 == 0 { // Found by Open.
			must(t, s.Close())
			s = mustOpen(t, options)
		} else if _, err := s.ReadAt(p.group, p.meta.ID, make([]byte, 600), 0); !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if _, err := s.ReadAt(p.group, p.meta.ID, make([]byte, 600), 0); err == nil || err == io.EOF {
			t.Fatal(err)
		}
	}
	must(t, s.Close())
	want := fmt.Sprint([]string{fileName{1, b.meta.ID, damagedSuffix}.String(), fileName{2, other.meta.ID, damagedSuffix}.String()})
	if found := fmt.Sprint(names(t, disk)); found != want {
		t.Errorf("found %s, want %s", found, want)
	}
	if n := log.count("not used any more"); n != 5 {
		t.Errorf("%d were said to be damaged", n)
	}
	if n := log.count("set aside before is removed"); n != 3 {
		t.Errorf("%d were said to be removed", n)
	}
}

// What Open finds set aside is one file of each group only if no crash came in between. The next one takes
// the place of all.
func TestSeveralAreFound(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	for id := wire.SnapshotID(100); id < 103; id++ {
		replaceFile(t, disk, testDir+"/"+fileName{1, id, damagedSuffix}.String(), []byte("old"))
	}
	file[len(file)/2] ^= 1
	replaceFile(t, disk, pathOf(&samples[1], publishedSuffix), file)
	s := mustOpen(t, testOptions(disk))
	must(t, s.Delete(1, 101))
	if n := len(names(t, disk)); n != 4 {
		t.Errorf("%d files are left", n)
	}
	if _, err := s.ReadAt(1, samples[1].meta.ID, make([]byte, 1300), 0); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	must(t, s.Close())
	want := []string{fileName{1, samples[0].meta.ID, publishedSuffix}.String(), fileName{1, samples[1].meta.ID, damagedSuffix}.String()}
	if found := names(t, disk); !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// Delete removes a damaged snapshot, durably, wherever its file is.
func TestDeleteOfDamaged(t *testing.T) {
	for _, isStuck := range []bool{false, true} {
		disk, samples, file := published(t, 700, 1300)
		good := bytes.Clone(file)
		file[len(file)/2] ^= 1
		replaceFile(t, disk, pathOf(&samples[1], publishedSuffix), file)
		options := testOptions(disk)
		if isStuck {
			options = testOptions(vfs.Faulty(disk, vfs.Once(1, vfs.OpRename, vfs.Fault{Err: errDisk})))
		}
		s := mustOpen(t, options)
		id := samples[1].meta.ID
		if _, err := s.ReadAt(1, id, make([]byte, 1300), 0); !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		must(t, s.Delete(1, id))
		for _, after := range []*vfs.Mem{disk, disk.CrashClone(vfs.LoseAll)} {
			if found := names(t, after); len(found) != 1 || found[0] != (fileName{1, samples[0].meta.ID, publishedSuffix}).String() {
				t.Errorf("stuck %v: found %q", isStuck, found)
			}
		}
		must(t, samples[1].finish(s)) // The same name, and nobody takes it for the damaged one.
		must(t, s.Delete(1, 77))
		if found := readFile(t, disk, pathOf(&samples[1], publishedSuffix)); !bytes.Equal(found, good) {
			t.Errorf("stuck %v: the file made anew is another", isStuck)
		}
		requireShown(t, s, 1, samples[1], samples[0])
		must(t, s.Close())
	}
}

// A good file that takes the name of a damaged one, which could not be renamed, stays.
func TestAsideFailsAndIsReplaced(t *testing.T) {
	disk, samples, _ := published(t, 700, 1300, 500)
	for _, p := range samples[1:] {
		content := readFile(t, disk, pathOf(&p, publishedSuffix))
		content[len(content)/2] ^= 1
		replaceFile(t, disk, pathOf(&p, publishedSuffix), content)
	}
	s := mustOpen(t, testOptions(vfs.Faulty(disk, vfs.Once(1, vfs.OpRename, vfs.Fault{Err: errDisk}))))
	buf := make([]byte, 1300)
	if _, err := s.ReadAt(1, samples[1].meta.ID, buf, 0); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	must(t, samples[1].finish(s))
	if _, err := s.ReadAt(1, samples[2].meta.ID, buf, 0); !errors.Is(err, ErrDamaged) { // It is set aside, and what was before goes.
		t.Fatal(err)
	}
	requireShown(t, s, 1, samples[1], samples[0])
	must(t, s.Close())
}

// A damaged file that cannot be given another name is not used all the same.
func TestAsideFails(t *testing.T) {
	disk, samples, file := published(t, 700, 1300)
	file[len(file)/2] ^= 1
	replaceFile(t, disk, pathOf(&samples[1], publishedSuffix), file)
	var log journal
	options := testOptions(vfs.Faulty(disk, vfs.Once(1, vfs.OpRename, vfs.Fault{Err: errDisk})))
	options.Logger = log.logger()
	s := mustOpen(t, options)
	if _, err := s.ReadAt(1, samples[1].meta.ID, make([]byte, 1300), 0); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	requireShown(t, s, 1, samples[0])
	if log.count("cannot be set aside") != 1 {
		t.Errorf("the log has %s", &log.text)
	}
	must(t, s.Close())
	checkDamaged(t, disk, samples, "when it is opened the next time")
}
