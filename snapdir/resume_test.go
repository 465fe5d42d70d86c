// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// openUnfinished opens a folder in which the first 1800 bytes of sampleB are written.
func openUnfinished(t testing.TB) (*Store, *vfs.Mem) {
	t.Helper()
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	_, err := s.Begin(1, sampleB.meta)
	must(t, err)
	must(t, sampleB.write(s, 0, 1800))
	return s, disk
}

// A file is changed between Write and Publish.
func TestDamageBeforePublish(t *testing.T) {
	s, disk := openUnfinished(t)
	content := readFile(t, disk, pathOf(&sampleB, unfinishedSuffix))
	content[len(content)/2]++
	replaceFile(t, disk, pathOf(&sampleB, unfinishedSuffix), content)
	if err := sampleB.publish(s); !errors.Is(err, ErrDamaged) {
		t.Errorf("Publish gives %v", err)
	}
	must(t, sampleB.finish(s))
	requireShown(t, s, 1, sampleB)
	must(t, s.Close())
}

// An unfinished file that is damaged is gone on with from the damage on, and one that is
// somebody else's, or of another description, is begun anew.
func TestUnfinishedFiles(t *testing.T) {
	s, disk := openUnfinished(t)
	must(t, s.Close())
	path := pathOf(&sampleB, unfinishedSuffix)
	file := readFile(t, disk, path)
	header := headerSize(file)
	block := blockSumBytes + blockBytesMin
	for offset := 0; offset < len(file); offset += 7 {
		content := slices.Clone(file)
		content[offset] ^= 4
		want := 0
		if offset >= header {
			want = (offset - header) / block * blockBytesMin
		}
		checkResume(t, disk, path, content, testOptions(disk), &sampleB, uint64(want))
	}
	for length := 0; length <= len(file); length += 5 {
		checkResume(t, disk, path, file[:length], testOptions(disk), &sampleB, uint64(max(length-header, 0)/block*blockBytesMin))
	}
	longer := slices.Concat(file, make([]byte, 5000))
	checkResume(t, disk, path, longer, testOptions(disk), &sampleB, 3*blockBytesMin)
	options := testOptions(disk)
	options.Node++
	checkResume(t, disk, path, file, options, &sampleB, 0)
	other := sampleB
	other.meta.Last.Index++
	checkResume(t, disk, path, file, testOptions(disk), &other, 0)
	known := sampleB
	known.meta.Size, known.meta.Checksum = 1800, sampleB.checksum()
	checkResume(t, disk, path, file, testOptions(disk), &known, 3*blockBytesMin)
	options = testOptions(disk)
	options.BlockBytes *= 4
	checkResume(t, disk, path, file, options, &sampleB, 3*blockBytesMin)
}

func checkResume(t *testing.T, disk *vfs.Mem, path string, content []byte, options Options, p *sample, want uint64) {
	t.Helper()
	options.FS = disk.CrashClone(vfs.LoseAll)
	replaceFile(t, options.FS, path, content)
	s := mustOpen(t, options)
	held, err := s.Begin(p.group, p.meta)
	must(t, err)
	if held != want {
		t.Errorf("Begin has %d bytes, want %d", held, want)
	}
	must(t, p.finish(s))
	requireShown(t, s, p.group, *p)
	must(t, s.Close())
	s = mustOpen(t, options)
	requireShown(t, s, p.group, *p)
	must(t, s.Close())
}

// A snapshot of which another size or checksum is said than before is begun anew, in the same
// life and in the next.
func TestOtherDataAreBegunAnew(t *testing.T) {
	for _, isReopened := range []bool{false, true} {
		for _, change := range []struct{ size, sum int }{{0, 0}, {1, 0}, {0, 1}} {
			options := testOptions(vfs.NewMem())
			s := mustOpen(t, options)
			meta := sampleB.meta
			meta.Size, meta.Checksum = 1800, sampleB.checksum()
			_, err := s.Begin(1, meta)
			must(t, err)
			must(t, sampleB.write(s, 0, 1800))
			want := uint64(1800)
			if isReopened {
				must(t, s.Close())
				s = mustOpen(t, options)
				want = 3 * blockBytesMin
			}
			if change.size+change.sum > 0 {
				want = 0
			}
			meta.Size, meta.Checksum = meta.Size+uint64(change.size), meta.Checksum+uint32(change.sum)
			held, err := s.Begin(1, meta)
			must(t, err)
			if held != want {
				t.Errorf("reopened %v, changed by %v: Begin has %d bytes, want %d", isReopened, change, held, want)
			}
			must(t, s.Close())
		}
	}
}

// What was synced is gone on with after a power loss.
func TestResumeAfterPowerLoss(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testOptions(disk))
	_, err := s.Begin(1, sampleD.meta)
	must(t, err)
	must(t, sampleD.write(s, 0, 2900))
	options := testOptions(disk.CrashClone(vfs.LoseAll))
	after := mustOpen(t, options)
	held, err := after.Begin(1, sampleD.meta)
	must(t, err)
	if held != 3*blockBytesMin {
		t.Errorf("Begin has %d bytes", held)
	}
	must(t, sampleD.finish(after))
	requireShown(t, after, 1, sampleD)
	must(t, after.Close())
	must(t, s.Close())
}
