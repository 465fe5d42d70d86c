// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/internal/vfs"
)

// headerBytesUsual is how much of a file is read to find its header: more than most have.
const headerBytesUsual = 512

// readHeader reads and verifies the header of a file. The error is a *DamagedError, or it
// wraps ErrUnsupported or is one of the file system.
func readHeader(file vfs.File, path string, fileBytes int64) (header, error) {
	buf := make([]byte, min(headerBytesUsual, fileBytes))
	if err := readFull(file, path, buf, 0); err != nil {
		return header{}, err
	}
	size := headerSize(buf)
	if size == 0 || int64(size) > fileBytes {
		return header{}, &DamagedError{Path: path, Problem: "there is no header"}
	}
	if size > len(buf) {
		buf = make([]byte, size)
		if err := readFull(file, path, buf, 0); err != nil {
			return header{}, err
		}
	}
	h, err := parseHeader(buf[:size])
	return h, placed(err, path, 0)
}

// readLayout reads and verifies header, footer and size of a whole file.
func readLayout(file vfs.File, path string) (layout, error) {
	fileBytes, err := file.Size()
	if err != nil {
		return layout{}, fmt.Errorf("size of %s: %w", path, err)
	}
	h, err := readHeader(file, path, fileBytes)
	if err != nil {
		return layout{}, err
	}
	offset := fileBytes - footerBytes
	if offset < h.bytes {
		return layout{}, &DamagedError{Path: path, Offset: fileBytes, Problem: "the file ends before its footer"}
	}
	var footer [footerBytes]byte
	if err := readFull(file, path, footer[:], offset); err != nil {
		return layout{}, err
	}
	l, err := parseFooter(h, footer[:], fileBytes)
	return l, placed(err, path, offset)
}

// readBlock reads and verifies a block into buf, and returns its data, which are in buf.
func (l *layout) readBlock(file vfs.File, path string, number uint64, buf []byte) ([]byte, error) {
	block := buf[:blockSumBytes+l.length(number)]
	offset := l.offset(number)
	if err := readFull(file, path, block, offset); err != nil {
		return nil, err
	}
	if !l.isBlock(number, block) {
		return nil, &DamagedError{Path: path, Offset: offset, Problem: fmt.Sprintf("block %d does not match its checksum", number)}
	}
	return block[blockSumBytes:], nil
}

// verify reads a whole file and checks all that can be checked. The buffer holds a block.
func verify(file vfs.File, path string, want layout, buf []byte) error {
	found, err := readLayout(file, path)
	if err != nil {
		return err
	}
	if !found.isSame(&want) {
		return &DamagedError{Path: path, Problem: "the file is another than the one that was written"}
	}
	sum := uint32(0)
	for number := range found.blocks() {
		data, err := found.readBlock(file, path, number, buf)
		if err != nil {
			return err
		}
		sum = crc32.Update(sum, castagnoli, data)
	}
	if sum != want.dsum {
		return &DamagedError{Path: path, Offset: want.bytes, Problem: "the data do not match their checksum"}
	}
	return nil
}

// isSame reports whether both are of the same file.
func (l *layout) isSame(other *layout) bool {
	return l.sum == other.sum && l.seed == other.seed && l.bytes == other.bytes && l.size == other.size && l.dsum == other.dsum
}

// readFull fills buf. A file that ends before is damaged; other errors are the disk's.
func readFull(file vfs.File, path string, buf []byte, offset int64) error {
	n, err := file.ReadAt(buf, offset)
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return &DamagedError{Path: path, Offset: offset + int64(n), Problem: "the file ends too early"}
	}
	return fmt.Errorf("read %d bytes at %d of %s: %w", len(buf), offset, path, err)
}

// placed says where a problem was found.
func placed(err error, path string, offset int64) error {
	var problem errProblem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problem):
		return &DamagedError{Path: path, Offset: offset, Problem: string(problem)}
	}
	return fmt.Errorf("%s: %w", path, err)
}
