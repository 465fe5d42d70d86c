// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"sync"
)

const (
	// sparesMax bounds the segments that are kept for use as new ones.
	sparesMax = 4
	// zeroBytes is the size of the writes that fill a spare.
	zeroBytes = 1 << 20
	// zeroSyncBytes bounds how much of a spare is written between two syncs, so that
	// the sync of a Save does not have to wait for all of it.
	zeroSyncBytes = 8 << 20
)

// errStopped says that the filling of a spare was given up because the log is closing.
var errStopped = errors.New("wal: closing")

// spares are files that are as large as a segment and filled, so that writing to them
// changes no metadata: a sync then writes data and nothing else. New ones are filled
// with zeroes; segments that nothing needs are renamed, as they are. The goroutine
// keeps one ready and disposes of segments.
type spares struct {
	log     *Log
	wake    chan struct{}
	stopped chan struct{} // closed by stop
	done    sync.WaitGroup

	// mu serialises all that is done to the files, and guards what follows.
	mu      sync.Mutex
	ready   []string // paths
	last    uint64   // the number of the last one made
	refused bool     // A segment could not be disposed of; no later one may be, until the next Open.
}

func newSpares(l *Log) *spares {
	return &spares{log: l, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// adopt takes over the spares that were found, and removes what was not finished.
func (p *spares) adopt(f folder) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = f.spareMax
	unwanted := f.temps
	for _, path := range f.spares {
		fits, err := p.fits(path)
		if err != nil {
			return err
		}
		if fits && len(p.ready) < sparesMax {
			p.ready = append(p.ready, path)
		} else {
			unwanted = append(unwanted, path)
		}
	}
	for _, path := range unwanted {
		if err := p.remove(path); err != nil {
			return err
		}
	}
	return nil
}

// fits reports whether a spare has the size that segments have now.
func (p *spares) fits(path string) (bool, error) {
	file, err := p.log.fs.OpenRead(path)
	if err != nil {
		return false, fmt.Errorf("wal: open %s: %w", path, err)
	}
	size, err := file.Size()
	if err := errors.Join(err, file.Close()); err != nil {
		return false, fmt.Errorf("wal: measure %s: %w", path, err)
	}
	return size == int64(p.log.options.SegmentBytes), nil
}

// start starts the goroutine, or does its work at once.
func (p *spares) start() {
	if p.log.options.Synchronous {
		p.step()
		return
	}
	p.signal()
	p.done.Go(func() {
		for {
			select {
			case <-p.stopped:
				return
			case <-p.wake:
				p.step()
			}
		}
	})
}

// stop ends the goroutine and waits for it.
func (p *spares) stop() {
	close(p.stopped)
	p.done.Wait()
}

func (p *spares) signal() {
	select {
	case p.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// afterSave does the work at once if there is no goroutine to do it. The goroutine
// that saves calls it.
func (p *spares) afterSave() {
	if p.log.options.Synchronous {
		p.step()
	}
}

// take returns a spare, which is the caller's then. If there is none it makes one, or
// waits for the one that is being made.
func (p *spares) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) == 0 {
		if err := p.make(); err != nil {
			return "", err
		}
	}
	path := p.ready[0]
	p.ready = p.ready[1:]
	p.signal()
	return path, nil
}

// step disposes of the segments that are not needed, and makes a spare if there is
// none. What fails is tried again when there is something to do again: nothing
// here is needed for what was saved to be safe.
func (p *spares) step() {
	for p.disposeNext() {
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) > 0 {
		return
	}
	if err := p.make(); err != nil && !errors.Is(err, errStopped) {
		p.log.options.Logger.Warn("wal: no spare segment yet", "folder", p.log.options.Dir, "err", err)
	}
}

// disposeNext disposes of the oldest segment that is not needed, if there is one, and
// reports whether there may be more.
func (p *spares) disposeNext() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused {
		return false
	}
	s := p.log.takeRetired()
	if s == nil {
		return false
	}
	if err := p.dispose(s); err != nil {
		p.refused = true
		p.log.options.Logger.Warn("wal: old segments stay until restart", "segment", s.number, "err", err)
	}
	return true
}

// dispose makes a segment a spare, or removes it. The folder is synced before the next
// is disposed of: if names could vanish out of order, a crash would leave a gap.
func (p *spares) dispose(s *segment) error {
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("wal: close segment %d: %w", s.number, err)
	}
	spare := ""
	if len(p.ready) < sparesMax && int64(s.bytes) == int64(p.log.options.SegmentBytes) {
		spare = p.name(spareSuffix)
		if err := p.log.fs.Rename(s.path, spare); err != nil {
			return fmt.Errorf("wal: rename segment %d: %w", s.number, err)
		}
	} else if err := p.log.fs.Remove(s.path); err != nil {
		return fmt.Errorf("wal: remove segment %d: %w", s.number, err)
	}
	if err := p.log.syncDir(); err != nil {
		return err
	}
	if spare != "" {
		p.ready = append(p.ready, spare)
	}
	return nil
}
