// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// Record is an item of a snapshot. The slices are valid until the next one is read.
type Record struct {
	Key, Value []byte
	Position   uint64
	ExpireAt   int64
}

// SnapshotDecoder reads a snapshot in the format of docs/formats-kv-snapshot.md. It accepts exactly
// what a SnapshotReader can give, so that a state has one form. It needs a few
// megabytes at most, whatever it is given.
type SnapshotDecoder struct {
	r      *bufio.Reader
	moment Moment
	items  uint64
	tally  Tally
	ended  bool

	// last and buf are the key before, and the record now.
	last         []byte
	lastPosition uint64
	buf          []byte
}

// NewSnapshotDecoder reads the header. The errors of a decoder are those of r, or wrap
// ErrSnapshotMalformed or ErrSnapshotUnsupported.
func NewSnapshotDecoder(r io.Reader) (*SnapshotDecoder, error) {
	d := &SnapshotDecoder{r: bufio.NewReaderSize(&stickyReader{r: r}, 4*snapshotChunkBytes)}
	var header [snapshotHeaderBytes]byte
	if err := d.readFull(header[:]); err != nil {
		return nil, err
	}
	if string(header[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("%w: it begins with %q", ErrSnapshotMalformed, header[:len(snapshotMagic)])
	}
	rest := header[len(snapshotMagic):]
	if version := binary.LittleEndian.Uint32(rest); version != snapshotVersion {
		return nil, fmt.Errorf("%w: format %d, not %d", ErrSnapshotUnsupported, version, snapshotVersion)
	}
	d.moment.Clock = int64(binary.LittleEndian.Uint64(rest[4:]))
	d.moment.Applied = raft.LogID{
		Term: wire.Term(binary.LittleEndian.Uint64(rest[12:])), Index: wire.Index(binary.LittleEndian.Uint64(rest[20:])),
	}
	d.items = binary.LittleEndian.Uint64(rest[28:])
	return d, d.section(sectionItems)
}

// Moment returns when the state is.
func (d *SnapshotDecoder) Moment() Moment { return d.moment }

// Items returns how many items there are to be. That is known to be true only at the end.
func (d *SnapshotDecoder) Items() uint64 { return d.items }

// Next reads the next record. It returns io.EOF behind the last if the snapshot is whole.
func (d *SnapshotDecoder) Next() (Record, error) {
	if d.ended {
		return Record{}, io.EOF
	}
	keyBytes, err := d.uvarint(snapshotFieldBytesMax+1, "the length of a key")
	if err != nil {
		return Record{}, err
	}
	if keyBytes == 0 {
		d.ended = true
		return Record{}, d.footer()
	}
	return d.record(int(keyBytes - 1))
}

func (d *SnapshotDecoder) record(keyBytes int) (Record, error) {
	valueBytes, err := d.uvarint(snapshotFieldBytesMax, "the length of a value")
	if err != nil {
		return Record{}, err
	}
	expireAt, err := d.uvarint(1<<63-1, "a time of expiry")
	if err != nil {
		return Record{}, err
	}
	size := keyBytes + int(valueBytes)
	if cap(d.buf) < size {
		d.buf = make([]byte, size+size/2)
	}
	buf := d.buf[:size]
	if err := d.readFull(buf); err != nil {
		return Record{}, err
	}
	r := Record{Key: buf[:keyBytes:keyBytes], Value: buf[keyBytes:], ExpireAt: int64(expireAt)}
	r.Position = PositionOf(r.Key)
	return r, d.follow(&r)
}

// follow checks that a record stands where it has to, and counts it.
func (d *SnapshotDecoder) follow(r *Record) error {
	first := d.tally.Items == 0
	if !first && (r.Position < d.lastPosition || r.Position == d.lastPosition && bytes.Compare(r.Key, d.last) <= 0) {
		return fmt.Errorf("%w: key %.100q stands behind %.100q", ErrSnapshotMalformed, r.Key, d.last)
	}
	d.last, d.lastPosition = append(d.last[:0], r.Key...), r.Position
	d.tally.Items++
	d.tally.KeyBytes += uint64(len(r.Key))
	d.tally.ValueBytes += uint64(len(r.Value))
	return nil
}

// footer checks what stands behind the last record. If all is well it returns io.EOF.
func (d *SnapshotDecoder) footer() error {
	var footer [snapshotFooterBytes]byte
	if err := d.readFull(footer[:]); err != nil {
		return err
	}
	said := Tally{
		Items:      binary.LittleEndian.Uint64(footer[0:]),
		KeyBytes:   binary.LittleEndian.Uint64(footer[8:]),
		ValueBytes: binary.LittleEndian.Uint64(footer[16:]),
	}
	if d.tally != said || d.items != said.Items {
		return fmt.Errorf("%w: it holds %+v, not %+v and %d items", ErrSnapshotMalformed, d.tally, said, d.items)
	}
	if err := d.section(sectionEnd); err != nil {
		return err
	}
	switch _, err := d.r.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: bytes behind its end", ErrSnapshotMalformed)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("kv: read snapshot: %w", err)
	}
	return io.EOF
}

// section reads which section begins.
func (d *SnapshotDecoder) section(want byte) error {
	kind, err := d.r.ReadByte()
	switch {
	case err != nil:
		return d.failure(err)
	case kind != want:
		return fmt.Errorf("%w: section %d where %d has to be", ErrSnapshotMalformed, kind, want)
	}
	return nil
}

// uvarint reads a number in its shortest form.
func (d *SnapshotDecoder) uvarint(limit uint64, what string) (uint64, error) {
	// The common case is in the buffer: bufio's ReadByte is too slow for three a record.
	ahead, err := d.r.Peek(binary.MaxVarintLen64)
	v, n := binary.Uvarint(ahead)
	switch {
	case n == 0 && err != nil:
		return 0, d.failure(err)
	case n <= 0 || n > 1 && ahead[n-1] == 0:
		return 0, fmt.Errorf("%w: %s is not a number in its shortest form", ErrSnapshotMalformed, what)
	case v > limit:
		return 0, fmt.Errorf("%w: %s is %d, more than %d", ErrSnapshotMalformed, what, v, limit)
	}
	_, err = d.r.Discard(n)
	return v, err
}

func (d *SnapshotDecoder) readFull(buf []byte) error {
	if _, err := io.ReadFull(d.r, buf); err != nil {
		return d.failure(err)
	}
	return nil
}

// failure tells an error of the reader from an end too early.
func (d *SnapshotDecoder) failure(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrSnapshotMalformed)
	}
	return fmt.Errorf("kv: read snapshot: %w", err)
}

// stickyReader repeats the first error of r, which bufio.Reader forgets once it has
// returned it.
type stickyReader struct {
	r   io.Reader
	err error
}

func (s *stickyReader) Read(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	n, s.err = s.r.Read(p)
	return n, s.err
}
