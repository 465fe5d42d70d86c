// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Names in the folder. Segments and spares have a number before the suffix.
const (
	lockName      = "lock"
	identityName  = "identity"
	segmentSuffix = ".segment"
	spareSuffix   = ".spare"
	tempSuffix    = ".tmp"
)

// segment is one file of the log.
type segment struct {
	number      uint32
	incarnation wire.Incarnation
	seed        uint32
	path        string
	file        vfs.File
	bytes       uint32
	block       uint32
	start       uint32 // of the first batch

	// The rest is guarded by Log.mu.

	runs    int  // so many runs of the index are in it
	pins    int  // so many readers use the file
	retired bool // nothing in it is needed
}

// limit is where the last batch must have ended: the seal is behind it.
func (s *segment) limit() uint32 { return s.bytes - s.block }

// seal makes it known, durably, that the segment has a successor.
func (s *segment) seal() error {
	buf := make([]byte, s.block)
	putSeal(buf, s.incarnation, s.number, s.seed)
	if _, err := s.file.WriteAt(buf, int64(s.limit())); err != nil {
		return fmt.Errorf("wal: seal segment %d: %w", s.number, err)
	}
	if err := s.file.SyncData(); err != nil {
		return fmt.Errorf("wal: sync the seal of segment %d: %w", s.number, err)
	}
	return nil
}

// isSealed reports whether the segment is known to have a successor.
func (s *segment) isSealed() (bool, error) {
	buf := make([]byte, sealBytes)
	if _, err := s.file.ReadAt(buf, int64(s.limit())); err != nil {
		return false, fmt.Errorf("wal: read the seal of segment %d: %w", s.number, err)
	}
	return isSeal(buf, s.incarnation, s.number, s.seed), nil
}

func numberedName(number uint64, suffix string) string {
	return fmt.Sprintf("%010d%s", number, suffix)
}

func segmentPath(dir string, number uint32) string {
	return filepath.Join(dir, numberedName(uint64(number), segmentSuffix))
}

// parseName returns the number in a name that numberedName made.
func parseName(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	return number, err == nil && numberedName(number, suffix) == name
}
