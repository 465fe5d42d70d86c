// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"path"
	"strings"

	"github.com/balsa-raft/raft/internal/vfs"
)

// files returns the paths of the files in a folder that have a suffix.
func (d *disk) files(folder, suffix string) []string {
	names, err := d.mem.ReadDir(folder)
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			paths = append(paths, path.Join(folder, name))
		}
	}
	return paths
}

// damage changes bytes of a file of a node that is down, but none of the last writes and
// what is behind them: there, the log cannot tell damage from a torn write, and a member
// that loses the end of its log in this way is beyond what can be promised.
func (d *disk) damage(f Fault) bool {
	paths, proven := d.files(walDir, segmentSuffix), d.writes[0]
	if len(paths) == 0 || proven.path == "" {
		return false
	}
	w := d.n.w
	chosen := paths[w.storing.IntN(len(paths))]
	file, err := d.mem.Open(chosen)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // In memory, this cannot matter.
	size, _ := file.Size()
	switch {
	case chosen > proven.path:
		return false
	case chosen == proven.path:
		size = min(size, proven.offset)
	}
	if size < 2*vfs.SectorBytes {
		return false
	}
	if f == LostFile && (chosen == proven.path || !d.remove(chosen)) || f != LostFile && !d.overwrite(file, f, size) {
		return false
	}
	d.rotten = true
	w.fault(f)
	w.say(d.n.id, "%v in %s", f, chosen)
	return true
}

func (d *disk) remove(path string) bool {
	return errors.Join(d.mem.Remove(path), d.mem.SyncDir(walDir)) == nil
}

// overwrite damages a file below an offset, and reports whether that changed anything.
func (d *disk) overwrite(file vfs.File, f Fault, below int64) bool {
	r := d.n.w.storing
	sectors := below / vfs.SectorBytes
	at := r.Int64N(sectors) * vfs.SectorBytes
	old, data := make([]byte, vfs.SectorBytes), make([]byte, vfs.SectorBytes)
	_, _ = file.ReadAt(old, at) // A sector below the end is there.
	switch f {
	case BitRot:
		copy(data, old)
		data[r.IntN(len(data))] ^= 1 << r.IntN(8)
	case Misdirect:
		_, _ = file.ReadAt(data, r.Int64N(sectors)*vfs.SectorBytes)
	}
	if string(old) == string(data) {
		return false
	}
	_, err := file.WriteAt(data, at)
	return errors.Join(err, file.Sync()) == nil
}
