// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/wire"
)

const (
	// frameHeaderBytes is the length of the body, its checksum, and the checksum of
	// these two: a damaged length would make the receiver wait for what never comes.
	frameHeaderBytes = 4 + 4 + 4
	// readBufferBytes is the size of a connection's read buffer.
	readBufferBytes = 256 << 10
	// frameBytesGoal is where a frame with several messages ends: it fits the read
	// buffer, and the receiver works on one while the next is on its way.
	frameBytesGoal = readBufferBytes - frameHeaderBytes
	// bodyBytesAhead is how much is allocated for a body before its bytes arrive.
	// Larger bodies grow with what has arrived, so a forged length costs little.
	bodyBytesAhead = 1 << 20
)

// errFrame is what errors of frames wrap.
var errFrame = errors.New("malformed frame")

// appendFrame appends one frame to buf, with as many of the messages as fit but at
// least one, and returns how many and what they count for in the lane.
func appendFrame(buf []byte, messages []wire.Envelope, bytesMax int) (frame []byte, taken, size int) {
	start := len(buf)
	buf = append(buf, make([]byte, frameHeaderBytes)...)
	for taken < len(messages) {
		next := messages[taken].Size()
		if taken > 0 && size+next > min(frameBytesGoal, bytesMax) {
			break
		}
		buf = wire.AppendEnvelope(buf, messages[taken])
		size += next
		taken++
	}
	body := buf[start+frameHeaderBytes:]
	binary.LittleEndian.PutUint32(buf[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(buf[start+4:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint32(buf[start+8:], crc32.Checksum(buf[start:start+8], castagnoli))
	return buf, taken, size
}

// frameReader reads the frames of one connection.
type frameReader struct {
	buffered *bufio.Reader
	bytesMax int
	header   [frameHeaderBytes]byte
	err      error // sticks, and is due when all before it is delivered
}

func newFrameReader(r io.Reader, bytesMax int) *frameReader {
	return &frameReader{buffered: bufio.NewReaderSize(r, readBufferBytes), bytesMax: bytesMax}
}

// next waits for a frame and returns its messages, together with those of the
// frames behind it that have already arrived; the read buffer bounds these. The
// messages alias memory that nothing else uses. At the end between two frames the
// error is io.EOF.
func (r *frameReader) next() ([]wire.Envelope, error) {
	var batch []wire.Envelope
	for r.err == nil && (len(batch) == 0 || r.hasFrame()) {
		batch, r.err = r.frame(batch)
	}
	if len(batch) > 0 {
		return batch, nil
	}
	return nil, r.err
}

// hasFrame reports whether a whole frame can be read without waiting.
func (r *frameReader) hasFrame() bool {
	arrived := r.buffered.Buffered()
	if arrived < frameHeaderBytes {
		return false
	}
	header, _ := r.buffered.Peek(frameHeaderBytes)
	return uint64(binary.LittleEndian.Uint32(header)) <= uint64(arrived-frameHeaderBytes)
}

// frame reads one frame and appends its messages to the batch. On an error the
// batch is as before.
func (r *frameReader) frame(batch []wire.Envelope) ([]wire.Envelope, error) {
	if _, err := io.ReadFull(r.buffered, r.header[:]); err != nil {
		return batch, err
	}
	if crc32.Checksum(r.header[:8], castagnoli) != binary.LittleEndian.Uint32(r.header[8:]) {
		return batch, fmt.Errorf("%w: header: %w", errFrame, errChecksum)
	}
	size := binary.LittleEndian.Uint32(r.header[:])
	if size == 0 || uint64(size) > uint64(r.bytesMax) {
		return batch, fmt.Errorf("%w: %d bytes, the most is %d", errFrame, size, r.bytesMax)
	}
	body, err := r.body(int(size))
	if err != nil {
		return batch, err
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(r.header[4:]) {
		return batch, fmt.Errorf("%w: %w", errFrame, errChecksum)
	}
	return appendMessages(batch, body)
}

// body reads that many bytes into memory of their own.
func (r *frameReader) body(size int) ([]byte, error) {
	if r.buffered.Buffered() >= size {
		buffered, _ := r.buffered.Peek(size)
		body := bytes.Clone(buffered) // It need not clear the memory first, as make does.
		_, err := r.buffered.Discard(size)
		return body, err
	}
	var body []byte
	for len(body) < size {
		arrived := len(body)
		grown := make([]byte, min(size, max(bodyBytesAhead, 2*arrived)))
		copy(grown, body)
		body = grown
		if _, err := io.ReadFull(r.buffered, body[arrived:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return body, nil
}

// appendMessages decodes a body and appends its messages, all of them or none.
func appendMessages(batch []wire.Envelope, body []byte) ([]wire.Envelope, error) {
	longer := batch
	for len(body) > 0 {
		envelope, rest, err := wire.DecodeEnvelope(body)
		if err != nil {
			return batch, fmt.Errorf("%w: %w", errFrame, err)
		}
		longer, body = append(longer, envelope), rest
	}
	return longer, nil
}
