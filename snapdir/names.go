// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

const (
	lockName         = "lock"
	publishedSuffix  = ".snapshot"
	unfinishedSuffix = ".unfinished"
	damagedSuffix    = ".damaged"
)

// fileName is what the name of a snapshot's file says.
type fileName struct {
	group  wire.GroupID
	id     wire.SnapshotID
	suffix string
}

func (n fileName) String() string {
	return fmt.Sprintf("%016x-%016x%s", uint64(n.group), uint64(n.id), n.suffix)
}

func (n fileName) as(suffix string) fileName {
	n.suffix = suffix
	return n
}

// parseName reads a file's name. It is not ok for files that are not the store's.
func parseName(name string) (n fileName, ok bool) {
	for _, suffix := range []string{publishedSuffix, unfinishedSuffix, damagedSuffix} {
		stem, found := strings.CutSuffix(name, suffix)
		if !found {
			continue
		}
		n.suffix = suffix
		_, err := fmt.Sscanf(stem, "%16x-%16x", &n.group, &n.id)
		return n, err == nil && n.String() == name
	}
	return n, false
}

func (s *Store) path(n fileName) string { return filepath.Join(s.dir, n.String()) }
