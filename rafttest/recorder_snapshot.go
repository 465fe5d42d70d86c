// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/balsa-raft/raft"
)

var _ raft.Snapshotter = (*Recorder)(nil)

// Snapshot captures what was recorded, and the state machine behind it, which must be a
// raft.Snapshotter.
func (r *Recorder) Snapshot() (io.ReadCloser, error) {
	var inner io.ReadCloser
	if r.inner != nil {
		snapshotter, ok := r.inner.(raft.Snapshotter)
		if !ok {
			return nil, fmt.Errorf("rafttest: a %T is no Snapshotter", r.inner)
		}
		var err error
		if inner, err = snapshotter.Snapshot(); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	applied := slices.Clone(r.applied)
	r.mu.Unlock()
	return &recording{inner: inner, head: raft.CaptureFunc(func(w io.Writer) error { return gob.NewEncoder(w).Encode(applied) })}, nil
}

// recording is a capture: the records, and then what the state machine has captured.
type recording struct {
	head, inner io.ReadCloser
	headRead    bool
}

// Read reads the capture.
func (c *recording) Read(p []byte) (int, error) {
	if !c.headRead {
		n, err := c.head.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		c.headRead = true
		if n > 0 {
			return n, nil
		}
	}
	if c.inner == nil {
		return 0, io.EOF
	}
	return c.inner.Read(p)
}

// Close ends the capture.
func (c *recording) Close() error {
	err := c.head.Close()
	if c.inner != nil {
		err = errors.Join(err, c.inner.Close())
	}
	return err
}

// Restore replaces what was recorded, and the state of the state machine behind it.
func (r *Recorder) Restore(from io.Reader) error {
	reader := &byteReader{r: from}
	var applied []Applied
	if err := gob.NewDecoder(reader).Decode(&applied); err != nil {
		return fmt.Errorf("rafttest: restore what was recorded: %w", err)
	}
	if r.inner != nil {
		snapshotter, ok := r.inner.(raft.Snapshotter)
		if !ok {
			return fmt.Errorf("rafttest: a %T is no Snapshotter", r.inner)
		}
		if err := snapshotter.Restore(from); err != nil {
			return err
		}
	} else if _, err := io.Copy(io.Discard, from); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied, r.restored = applied, len(applied)
	return nil
}

// byteReader keeps the decoder from reading more than its own: what follows is the
// state machine's.
type byteReader struct {
	r   io.Reader
	one [1]byte
}

// Read reads from the capture.
func (b *byteReader) Read(p []byte) (int, error) { return b.r.Read(p) }

// ReadByte reads a byte.
func (b *byteReader) ReadByte() (byte, error) {
	_, err := io.ReadFull(b.r, b.one[:])
	return b.one[0], err
}
