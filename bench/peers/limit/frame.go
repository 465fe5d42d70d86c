// SPDX-License-Identifier: Apache-2.0

package main

import "encoding/binary"

// headerBytes is what a command carries with it: as much as a log entry's length,
// term and index would be.
const headerBytes = 24

func appendFrame(data, command []byte) []byte {
	var header [headerBytes]byte
	binary.LittleEndian.PutUint32(header[:], uint32(len(command)))
	data = append(data, header[:]...)
	return append(data, command...)
}

// nextFrame splits the first command off, or returns nil if it isn't all there yet.
func nextFrame(data []byte) (command, rest []byte) {
	if len(data) < headerBytes {
		return nil, data
	}
	end := headerBytes + int(binary.LittleEndian.Uint32(data))
	if len(data) < end {
		return nil, data
	}
	return data[headerBytes:end], data[end:]
}
