// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// verdict is what must become of a log of which a byte is not what was written.
type verdict uint8

const (
	asIf    verdict = iota // Nothing depends on it: the log is as if it was whole.
	dropped                // It is of the last batch, which nothing proves: that is dropped.
	refused                // Open must fail and say where.
)

// region is a part of a file, with the verdict on damage to it, and the offset that the
// error must name.
type region struct {
	from, to int
	verdict  verdict
	offset   int64
}

// rotten is a log that is damaged, and what the harness knows about it.
type rotten struct {
	name    string
	options Options
	disk    *vfs.Mem
	whole   string // what it has
	without string // what it has without its last batch
	regions map[string][]region
	sources [][]byte // sectors that may turn up in the place of others
	last    string   // path of the last segment
	// isLastOnly says that the older segments are as they are in another log.
	isLastOnly bool
}

// newRotten examines a disk. The last batch of all is proven if isProven says so, or if
// it is an empty one.
func newRotten(t testing.TB, name string, options Options, disk *vfs.Mem, isProven bool, whole, without string) *rotten {
	t.Helper()
	r := &rotten{name: name, options: options, disk: disk, whole: whole, without: without, regions: make(map[string][]region)}
	names, err := disk.ReadDir(testDir)
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			r.last = filepath.Join(testDir, name)
		}
	}
	for _, name := range names {
		path := filepath.Join(testDir, name)
		content := readFile(t, disk, path)
		switch {
		case name == identityName:
			r.regions[path] = []region{{0, identityBytes, refused, 0}}
		case strings.HasSuffix(name, segmentSuffix):
			r.regions[path] = regionsOf(content, path == r.last, isProven)
		default:
			r.regions[path] = nil
		}
		r.addSources(content)
	}
	r.addSources(make([]byte, 512))
	return r
}

// addSources adds the sectors of a file, each once.
func (r *rotten) addSources(content []byte) {
	for at := 0; at+512 <= len(content); at += 512 {
		sector := content[at : at+512]
		isNew := true
		for _, known := range r.sources {
			isNew = isNew && string(known) != string(sector)
		}
		if isNew {
			r.sources = append(r.sources, sector)
		}
	}
}

// regionsOf reads a segment as docs/formats-wal.md describes it.
func regionsOf(content []byte, isLast, isProven bool) []region {
	u32 := func(at int) int { return int(le.Uint32(content[at:])) }
	block, state := u32(56), u32(76)
	regions := []region{{0, 128, refused, 0}, {128, 128 + state, refused, 128}}
	aligned := func(n int) int { return (n + block - 1) / block * block }
	for at := aligned(128 + state); at < len(content)-block && string(content[at:at+4]) == "btch" &&
		u32(at+28) == at && u32(at+24) == u32(48); at += aligned(u32(at + 32)) {
		regions = append(regions, region{at, at + u32(at+32), refused, int64(at)})
	}
	if end := &regions[len(regions)-1]; isLast && len(regions) > 2 {
		if u32(end.from+36) == 0 {
			end.verdict = asIf // It has no records.
		} else if !isProven {
			end.verdict = dropped
		}
	}
	return regions
}

// verdict returns what must become of the log if these bytes are damaged, and the
// offset that the error must name.
func (r *rotten) verdict(path string, isDamaged func(i int) bool) (v verdict, offset int64) {
	for _, region := range r.regions[path] {
		for i := region.from; i < region.to; i++ {
			if isDamaged(i) {
				if region.verdict == refused {
					return refused, region.offset
				}
				v = max(v, region.verdict)
				break
			}
		}
	}
	return v, 0
}

// check opens the log on a damaged disk, and compares what becomes of it with the verdict.
func (r *rotten) check(t testing.TB, disk *vfs.Mem, path string, v verdict, offset int64, what string, args ...any) {
	t.Helper()
	what = r.name + ": " + path + ": " + what
	changes := 0
	options := r.options
	const change = vfs.OpCreate | vfs.OpRename | vfs.OpRemove | vfs.OpWrite | vfs.OpTruncate
	options.FS = vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if op.Kind&change != 0 {
			changes++
		}
		return vfs.Fault{}
	})
	l, err := Open(options)
	if v == refused {
		var corruption *CorruptError
		if !errors.As(err, &corruption) || corruption.File != path || corruption.Offset != offset {
			t.Fatalf(what+": want a refusal that names byte %d, got %v", append(args, offset, err)...)
		}
		if changes > 0 {
			t.Fatalf(what+": refused, and changed", args...)
		}
		return
	}
	if err != nil {
		t.Fatalf(what+": %v", append(args, err)...)
	}
	got, err := contents(l)
	must(t, err)
	want := r.whole
	if v == dropped {
		want = r.without
	}
	if got != want {
		t.Fatalf(what+": the log has\n%s\nwant\n%s", append(args, got, want)...)
	}
	must(t, l.Close())
}
