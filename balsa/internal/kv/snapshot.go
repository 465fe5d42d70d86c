// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"encoding/binary"
	"errors"
)

// The constants of a snapshot's format: docs/formats-kv-snapshot.md.
const (
	snapshotMagic   = "balsakvs"
	snapshotVersion = SnapshotVersion
	// snapshotHeaderBytes is the length of magic, version, clock, applied and number of items.
	snapshotHeaderBytes = len(snapshotMagic) + 4 + 8 + 8 + 8 + 8
	// snapshotFooterBytes is the length of a section's footer, without the zero before it.
	snapshotFooterBytes = 3 * 8

	sectionEnd   = 0
	sectionItems = 1

	// snapshotFieldBytesMax bounds a key and a value: no command carries more.
	snapshotFieldBytesMax = CommandBytesMax
	// snapshotChunkBytes is about how much is encoded, and read, at a time.
	snapshotChunkBytes = 64 << 10
)

var (
	// ErrSnapshotMalformed means that bytes are not a snapshot, or not all of one.
	ErrSnapshotMalformed = errors.New("kv: malformed snapshot")
	// ErrSnapshotUnsupported means that the bytes are a snapshot of a newer version of balsa.
	ErrSnapshotUnsupported = errors.New("kv: snapshot of a newer version")
)

// SnapshotVersion is the version of the format of snapshots that this package writes.
const SnapshotVersion = 1

// Tally counts what a snapshot's section of items holds.
type Tally struct {
	Items, KeyBytes, ValueBytes uint64
}

// AppendRecord appends an item to the section of items, and counts it.
func AppendRecord[Key string | []byte](buf []byte, tally *Tally, key Key, value []byte, expireAt int64) []byte {
	tally.Items++
	tally.KeyBytes += uint64(len(key))
	tally.ValueBytes += uint64(len(value))
	buf = binary.AppendUvarint(buf, uint64(len(key))+1)
	buf = binary.AppendUvarint(buf, uint64(len(value)))
	buf = binary.AppendUvarint(buf, uint64(expireAt))
	buf = append(buf, key...)
	return append(buf, value...)
}

// appendSnapshotHeader appends what is in front of the items.
func appendSnapshotHeader(buf []byte, moment Moment, items uint64) []byte {
	buf = append(buf, snapshotMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, snapshotVersion)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(moment.Clock))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(moment.Applied.Term))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(moment.Applied.Index))
	buf = binary.LittleEndian.AppendUint64(buf, items)
	return append(buf, sectionItems)
}

// appendSnapshotFooter appends what is behind the items.
func appendSnapshotFooter(buf []byte, tally *Tally) []byte {
	buf = append(buf, 0)
	buf = binary.LittleEndian.AppendUint64(buf, tally.Items)
	buf = binary.LittleEndian.AppendUint64(buf, tally.KeyBytes)
	buf = binary.LittleEndian.AppendUint64(buf, tally.ValueBytes)
	return append(buf, sectionEnd)
}
