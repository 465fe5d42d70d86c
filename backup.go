// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/wire"
)

// A backup is one stream:
//
//	magic (8 bytes), version (u32)
//	blocks: length (u32), checksum (u32), so many bytes
//	an empty block, then the size of all data (u64) and their CRC-32C (u32)
//
// The first block is the description (wire.SnapshotMeta), the others are the data. A block's
// checksum is the CRC-32C of all blocks up to it, so that none can be missing or change places.
const (
	backupMagic   = "balsabak"
	backupVersion = 2
	// backupBlockBytes is the size of a block of data, backupBlockMax that of any.
	backupBlockBytes = 256 << 10
	backupBlockMax   = 1 << 20
)

// ErrBadBackup means that what was read is no backup, or not a whole one.
var ErrBadBackup = errors.New("raft: not a whole backup")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Backup writes a backup of the group's state to w: the state at one moment after the call,
// with its place in the log and the members at that moment. The group goes on meanwhile. It may
// be called on any member; one that lags has an older state. RestoreBackup reads it.
func (g *Group) Backup(ctx context.Context, w io.Writer) (SnapshotMeta, error) {
	meta, data, err := g.capture(ctx)
	if err != nil {
		return SnapshotMeta{}, fmt.Errorf("raft: back up group %d: %w", g.cfg.ID, err)
	}
	defer data.Close() // All that is needed of it has been read, or it is given up.
	out := backupWriter{w: w, ctx: ctx}
	out.start(&meta)
	out.copy(data)
	out.end()
	if out.err != nil {
		return SnapshotMeta{}, fmt.Errorf("raft: back up group %d: %w", g.cfg.ID, out.err)
	}
	meta.Size, meta.Checksum = out.size, out.content
	return meta, nil
}

// capture asks the applier for the state.
func (g *Group) capture(ctx context.Context) (SnapshotMeta, io.ReadCloser, error) {
	if _, ok := g.cfg.StateMachine.(Snapshotter); !ok {
		return SnapshotMeta{}, nil, errors.New("the state machine is no Snapshotter")
	}
	type captured struct {
		meta SnapshotMeta
		data io.ReadCloser
		err  error
	}
	answer := make(chan captured, 1)
	g.applier.Capture(true, func(meta SnapshotMeta, data io.ReadCloser, err error) { answer <- captured{meta, data, err} })
	var cause error
	select {
	case c := <-answer:
		c.meta.ID = SnapshotID(max(g.node.random(), 1))
		return c.meta, c.data, c.err
	case <-ctx.Done():
		cause = context.Cause(ctx)
	case <-g.done:
		cause = ErrStopped
	}
	go func() { // Whoever answers still has to be relieved of the capture.
		select {
		case c := <-answer:
			if c.data != nil {
				_ = c.data.Close() // Nothing of it was used.
			}
		case <-g.done:
		}
	}()
	return SnapshotMeta{}, nil, cause
}

// backupWriter writes a backup. The first error sticks.
type backupWriter struct {
	w       io.Writer
	ctx     context.Context
	err     error
	chain   uint32 // checksum of all blocks so far
	content uint32 // checksum of the data so far
	size    uint64
}

func (b *backupWriter) write(p []byte) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
	}
}

func (b *backupWriter) start(meta *SnapshotMeta) {
	b.write(binary.LittleEndian.AppendUint32([]byte(backupMagic), backupVersion))
	b.block(wire.AppendSnapshotMeta(nil, meta))
}

func (b *backupWriter) block(p []byte) {
	b.chain = crc32.Update(b.chain, castagnoli, p)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(p)))
	b.write(binary.LittleEndian.AppendUint32(head, b.chain))
	b.write(p)
}

func (b *backupWriter) copy(data io.Reader) {
	buf := make([]byte, backupBlockBytes)
	for b.err == nil {
		if b.err = context.Cause(b.ctx); b.err != nil {
			return
		}
		n, err := io.ReadFull(data, buf)
		if n > 0 {
			b.size += uint64(n)
			b.content = crc32.Update(b.content, castagnoli, buf[:n])
			b.block(buf[:n])
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
		if b.err == nil {
			b.err = err
		}
	}
}

func (b *backupWriter) end() {
	b.block(nil)
	tail := binary.LittleEndian.AppendUint64(nil, b.size)
	b.write(binary.LittleEndian.AppendUint32(tail, b.content))
}

// BackupReader reads a backup and verifies it as it goes. What Read has returned is right so
// far, and the backup is whole when Read has returned io.EOF. It is for one goroutine.
type BackupReader struct {
	r       io.Reader
	meta    SnapshotMeta
	chain   uint32
	content uint32
	size    uint64
	block   []byte // what of the last block has not been read yet
	buf     []byte
	err     error
}

// OpenBackup begins to read a backup. The error wraps ErrBadBackup if r has none.
func OpenBackup(r io.Reader) (*BackupReader, error) {
	b := &BackupReader{r: r}
	head := make([]byte, len(backupMagic)+4)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(backupMagic)]) != backupMagic {
		return nil, fmt.Errorf("%w: it does not begin like one", ErrBadBackup)
	}
	if version := binary.LittleEndian.Uint32(head[len(backupMagic):]); version != backupVersion {
		return nil, fmt.Errorf("%w: it is of version %d, known is %d", ErrBadBackup, version, backupVersion)
	}
	block, err := b.next()
	if err != nil {
		return nil, err
	}
	if b.meta, err = wire.DecodeSnapshotMeta(block); err != nil {
		return nil, fmt.Errorf("%w: its description: %w", ErrBadBackup, err)
	}
	return b, nil
}

// Meta describes the backup. Its Size and Checksum are not known before the end.
func (b *BackupReader) Meta() SnapshotMeta { return b.meta }

// Read reads data of the backup. An error other than io.EOF wraps ErrBadBackup, or is that of the
// underlying reader.
func (b *BackupReader) Read(p []byte) (int, error) {
	for len(b.block) == 0 && b.err == nil {
		b.block, b.err = b.next()
		b.size += uint64(len(b.block))
		b.content = crc32.Update(b.content, castagnoli, b.block)
		if b.err == nil && len(b.block) == 0 {
			b.err = b.end()
		}
	}
	n := copy(p, b.block)
	b.block = b.block[n:]
	if n == 0 && len(p) > 0 {
		return 0, b.err
	}
	return n, nil
}

func (b *BackupReader) next() ([]byte, error) {
	var head [8]byte
	if err := b.fill(head[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length > backupBlockMax {
		return nil, fmt.Errorf("%w: a block of %d bytes", ErrBadBackup, length)
	}
	if int(length) > cap(b.buf) {
		b.buf = make([]byte, length)
	}
	block := b.buf[:length]
	if err := b.fill(block); err != nil {
		return nil, err
	}
	b.chain = crc32.Update(b.chain, castagnoli, block)
	if b.chain != binary.LittleEndian.Uint32(head[4:]) {
		return nil, fmt.Errorf("%w: a block behind %d bytes of data is damaged", ErrBadBackup, b.size)
	}
	return block, nil
}

// end reads what comes behind the last block.
func (b *BackupReader) end() error {
	var tail [12]byte
	if err := b.fill(tail[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(tail[:]) != b.size || binary.LittleEndian.Uint32(tail[8:]) != b.content {
		return fmt.Errorf("%w: its end is damaged", ErrBadBackup)
	}
	b.meta.Size, b.meta.Checksum = b.size, b.content
	return io.EOF
}

func (b *BackupReader) fill(p []byte) error {
	_, err := io.ReadFull(b.r, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrBadBackup)
	}
	return err
}
