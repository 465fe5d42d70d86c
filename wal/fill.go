// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/balsa-raft/raft/internal/vfs"
)

// name returns a path that was not used before.
func (p *spares) name(suffix string) string {
	p.last++
	return filepath.Join(p.log.options.Dir, numberedName(p.last, suffix))
}

// make makes a spare. Only one that is complete and durable gets the name of one.
func (p *spares) make() error {
	spare := p.name(spareSuffix)
	temp := spare + tempSuffix
	err := p.fill(temp)
	if err == nil {
		err = p.log.fs.Rename(temp, spare)
	}
	if err == nil {
		err = p.log.syncDir()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("wal: make spare %s: %w", spare, err), p.remove(temp), p.remove(spare))
	}
	p.ready = append(p.ready, spare)
	return nil
}

// remove removes a file if there is one.
func (p *spares) remove(path string) error {
	if err := p.log.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("wal: remove %s: %w", path, err)
	}
	return nil
}

// fill makes a file full of zeroes, which it writes: a hole would not do.
func (p *spares) fill(path string) error {
	file, err := p.log.fs.Create(path)
	if err != nil {
		return err
	}
	err = p.zero(file)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (p *spares) zero(file vfs.File) error {
	size := p.log.options.SegmentBytes
	zeroes := make([]byte, min(zeroBytes, size))
	for offset := 0; offset < size; offset += len(zeroes) {
		select {
		case <-p.stopped:
			return errStopped
		default:
		}
		chunk := zeroes[:min(len(zeroes), size-offset)]
		if _, err := file.WriteAt(chunk, int64(offset)); err != nil {
			return err
		}
		if (offset+len(chunk))%zeroSyncBytes == 0 {
			if err := file.SyncData(); err != nil {
				return err
			}
		}
	}
	return nil
}
