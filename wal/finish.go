// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
)

// finish makes the disk fit to be written to: what is torn is overwritten, so
// that its header can't be found again, the segment before the last is sealed if a
// crash prevented that, and the last batch, which was read from the disk and is
// whole, gets a successor that says so.
func (r *recovery) finish() error {
	l := r.log
	segments := l.index.segments
	if err := r.clearTorn(); err != nil {
		return err
	}
	if n := len(segments); n > 1 {
		sealed, err := segments[n-2].isSealed()
		if err != nil {
			return err
		}
		if !sealed {
			if err := segments[n-2].seal(); err != nil {
				return err
			}
		}
	}
	l.unproven = r.hasBatch && !r.isMark
	if err := l.mark(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retire()
	return nil
}

// clearTorn overwrites what is left of a torn write with zeroes.
func (r *recovery) clearTorn() error {
	if r.torn == 0 {
		return nil
	}
	s := r.log.index.active()
	r.log.options.Logger.Info("wal: remains of an interrupted write dropped",
		"file", s.path, "offset", r.tail.end, "bytes", r.torn)
	zeroes := make([]byte, min(r.torn, zeroBytes))
	for done := uint32(0); done < r.torn; done += uint32(len(zeroes)) {
		chunk := zeroes[:min(uint32(len(zeroes)), r.torn-done)]
		if _, err := s.file.WriteAt(chunk, int64(r.tail.end+done)); err != nil {
			return fmt.Errorf("wal: clear the end of segment %d: %w", s.number, err)
		}
	}
	if err := s.file.SyncData(); err != nil {
		return fmt.Errorf("wal: sync segment %d: %w", s.number, err)
	}
	return nil
}
