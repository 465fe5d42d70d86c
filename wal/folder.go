// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/balsa-raft/raft/internal/vfs"
)

// folder is what was found in a log's folder. Files that are none of the log's are
// left alone.
type folder struct {
	segments []uint32 // ascending
	spares   []string // paths, ascending
	temps    []string // paths of what was not finished
	spareMax uint64   // the highest number of a spare
}

func readFolder(fsys vfs.FS, dir string) (folder, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return folder{}, fmt.Errorf("wal: read folder %s: %w", dir, err)
	}
	var f folder
	for _, name := range names {
		path := filepath.Join(dir, name)
		if number, ok := parseName(name, segmentSuffix); ok {
			f.segments = append(f.segments, uint32(number))
		} else if number, ok := parseName(name, spareSuffix); ok {
			f.spares, f.spareMax = append(f.spares, path), number
		} else if isTemp(name) {
			f.temps = append(f.temps, path)
		}
	}
	return f, nil
}

// isTemp reports whether it is the name of a file that the log had not finished.
func isTemp(name string) bool {
	name, ok := strings.CutSuffix(name, tempSuffix)
	_, isSpare := parseName(name, spareSuffix)
	return ok && (isSpare || name == identityName)
}
