// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wire"
)

// The letters that keys begin with. They stand far enough apart for each to have a next one.
const (
	metaLetter   = 'm'
	itemLetter   = 'k'
	expiryLetter = 'e'
)

const (
	// itemPrefixBytes is the length of letter and position.
	itemPrefixBytes = 1 + 6
	// expiryPrefixBytes is the length of letter and time.
	expiryPrefixBytes = 1 + 8

	metaVersion = 1
	metaBytes   = 1 + 4*8
)

var (
	metaKey     = []byte{metaLetter}
	itemsFrom   = []byte{itemLetter}
	itemsTo     = []byte{itemLetter + 1}
	expiresFrom = []byte{expiryLetter}
	expiresTo   = []byte{expiryLetter + 1}
)

// ErrMalformed means that the database holds what this package does not write.
var ErrMalformed = errors.New("lsm: malformed database")

func appendItemPrefix(buf []byte, position uint64) []byte {
	buf = append(buf, itemLetter, byte(position>>40), byte(position>>32))
	return binary.BigEndian.AppendUint32(buf, uint32(position))
}

func appendItemKey[Key string | []byte](buf []byte, position uint64, key Key) []byte {
	return append(appendItemPrefix(buf, position), key...)
}

func appendExpiryPrefix(buf []byte, at int64) []byte {
	return binary.BigEndian.AppendUint64(append(buf, expiryLetter), uint64(at))
}

func appendExpiryKey[Key string | []byte](buf []byte, at int64, key Key) []byte {
	return append(appendExpiryPrefix(buf, at), key...)
}

// splitExpiryKey undoes appendExpiryKey.
func splitExpiryKey(stored []byte) (at int64, key []byte, err error) {
	if len(stored) < expiryPrefixBytes {
		return 0, nil, fmt.Errorf("%w: key %q", ErrMalformed, stored)
	}
	return int64(binary.BigEndian.Uint64(stored[1:])), stored[expiryPrefixBytes:], nil
}

func appendItemValue(buf []byte, expireAt int64, first, second []byte) []byte {
	return append(append(binary.AppendUvarint(buf, uint64(expireAt)), first...), second...)
}

// splitItemKey undoes appendItemKey.
func splitItemKey(stored []byte) (key []byte, err error) {
	if len(stored) < itemPrefixBytes {
		return nil, fmt.Errorf("%w: key %q", ErrMalformed, stored)
	}
	return stored[itemPrefixBytes:], nil
}

// splitItemValue undoes appendItemValue.
func splitItemValue(content []byte) (value []byte, expireAt int64, err error) {
	at, n := binary.Uvarint(content)
	if n <= 0 || int64(at) < 0 {
		return nil, 0, fmt.Errorf("%w: %d bytes begin with no time of expiry", ErrMalformed, len(content))
	}
	return content[n:], int64(at), nil
}

// appendMeta encodes what a state consists of besides the items, and their number: a
// version, then clock, term, index and number in 8 bytes each.
func appendMeta(buf []byte, moment kv.Moment, items int) []byte {
	buf = append(buf, metaVersion)
	buf = binary.BigEndian.AppendUint64(buf, uint64(moment.Clock))
	buf = binary.BigEndian.AppendUint64(buf, uint64(moment.Applied.Term))
	buf = binary.BigEndian.AppendUint64(buf, uint64(moment.Applied.Index))
	return binary.BigEndian.AppendUint64(buf, uint64(items))
}

func splitMeta(data []byte) (moment kv.Moment, items int, err error) {
	if len(data) != metaBytes || data[0] != metaVersion {
		return kv.Moment{}, 0, fmt.Errorf("%w: %x is no meta record of version %d", ErrMalformed, data, metaVersion)
	}
	moment.Clock = int64(binary.BigEndian.Uint64(data[1:]))
	moment.Applied = raft.LogID{
		Term: wire.Term(binary.BigEndian.Uint64(data[9:])), Index: wire.Index(binary.BigEndian.Uint64(data[17:])),
	}
	return moment, int(binary.BigEndian.Uint64(data[25:])), nil
}
