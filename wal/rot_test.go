// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// flips flips a bit of every byte of every file, or of the last segment and those that
// are none.
func (r *rotten) flips(t testing.TB) (images int) {
	for path, regions := range r.regions {
		if r.isLastOnly && len(regions) > 1 && path != r.last {
			continue
		}
		size := len(readFile(t, r.disk, path))
		for i := 0; i < size; i += thinning {
			disk := r.disk.CrashClone(vfs.LoseAll)
			flipBit(t, disk, path, i)
			v, offset := r.verdict(path, func(k int) bool { return k == i })
			r.check(t, disk, path, v, offset, "a bit of byte %d flipped", i)
			images++
		}
	}
	return images
}

// blocks puts every sector that there is, and some that there should not be, in the place
// of every other.
func (r *rotten) blocks(t testing.TB) (images int) {
	garbage := make([]byte, 512)
	for i := range garbage {
		garbage[i] = byte(7 * i * i)
	}
	sources := append(r.sources, garbage)
	for path := range r.regions {
		content := readFile(t, r.disk, path)
		for at := 0; at < len(content); at += 512 {
			for n, source := range sources {
				if (n+at/512)%thinning != 0 {
					continue
				}
				end := min(at+512, len(content))
				v, offset := r.verdict(path, func(i int) bool { return i >= at && i < end && content[i] != source[i-at] })
				disk := r.disk.CrashClone(vfs.LoseAll)
				overwrite(t, disk, path, source[:end-at], at)
				r.check(t, disk, path, v, offset, "the sector at %d is another, number %d", at, n)
				images++
			}
		}
	}
	return images
}

func overwrite(t testing.TB, disk *vfs.Mem, path string, data []byte, at int) {
	t.Helper()
	file, err := disk.Open(path)
	must(t, err)
	_, err = file.WriteAt(data, int64(at))
	must(t, err)
	must(t, errors.Join(file.Sync(), file.Close()))
}

// rotMin is how many damaged logs there are at least, of which the race detector gets
// a share of one in thinning.
const rotMin = 100_000

// A bit flips in every byte of every file, and every sector is zero, garbage, or any of
// the other sectors that there are, in turn. What was synced and is followed by something
// that proves so is refused, by file and offset, and nothing is changed; what was torn
// is recovered; neither is ever taken for the other. The one exception is as narrow
// as it is documented: the last batch, as long as nothing proves it.
func TestRotEverywhere(t *testing.T) {
	var total atomic.Int64
	t.Run("logs", func(t *testing.T) {
		for _, r := range rottenLogs(t) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.check(t, r.disk.CrashClone(vfs.LoseAll), "", asIf, 0, "without damage")
				flips, blocks := r.flips(t), r.blocks(t)
				t.Logf("%d files, %d flips, %d sectors", len(r.regions), flips, blocks)
				total.Add(int64(flips + blocks))
			})
		}
	})
	images := total.Load()
	t.Logf("%d images", images)
	if images < rotMin/thinning {
		t.Errorf("only %d images", images)
	}
}

// Nothing but the last batch is ever in doubt, and that only until something follows it.
func TestDoubtIsNarrow(t *testing.T) {
	for _, r := range rottenLogs(t) {
		inDoubt := 0
		for _, regions := range r.regions {
			for _, region := range regions {
				if region.verdict == dropped {
					inDoubt++
				}
			}
		}
		want := 0
		if strings.HasPrefix(r.name, "after a crash") || r.name == "torn tail without a header" {
			want = 1
		}
		if inDoubt != want {
			t.Errorf("%s: %d batches in doubt, want %d", r.name, inDoubt, want)
		}
	}
}
