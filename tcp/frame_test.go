// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft/wire"
)

// rawFrame returns a frame with any body and good checksums.
func rawFrame(body []byte) []byte {
	return append(rawHeader(uint32(len(body)), crc32.Checksum(body, castagnoli)), body...)
}

// rawHeader returns a header with any length and checksum of the body, and a good
// checksum of its own.
func rawHeader(length, sum uint32) []byte {
	header := binary.LittleEndian.AppendUint32(nil, length)
	header = binary.LittleEndian.AppendUint32(header, sum)
	return binary.LittleEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
}

// readAll reads frames to the end.
func readAll(r io.Reader, bytesMax int) (all []wire.Envelope, calls int, err error) {
	frames := newFrameReader(r, bytesMax)
	for {
		batch, err := frames.next()
		if err != nil {
			return all, calls, err
		}
		all = append(all, batch...)
		calls++
	}
}

func TestFramesRoundTrip(t *testing.T) {
	var messages []wire.Envelope
	for i := range 3000 {
		messages = append(messages, heartbeat(wire.Term(i)), wire.Envelope{Group: 9, Message: &wire.AppendEntries{
			Entries: []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: make([]byte, i)}},
		}})
	}
	var stream []byte
	for rest := messages; len(rest) > 0; {
		frame, taken, size := appendFrame(nil, rest, FrameBytesMaxDefault)
		if taken < 1 || size < len(frame)-frameHeaderBytes || size > frameBytesGoal {
			t.Fatalf("%d messages of %d bytes in a frame of %d", taken, size, len(frame))
		}
		stream, rest = append(stream, frame...), rest[taken:]
	}
	for name, reader := range map[string]io.Reader{
		"whole": bytes.NewReader(stream), "halves": iotest.HalfReader(bytes.NewReader(stream)),
		"with the error": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		got, _, err := readAll(reader, FrameBytesMaxDefault)
		if err != io.EOF || !reflect.DeepEqual(got, messages) {
			t.Errorf("%s: %d messages, error %v", name, len(got), err)
		}
	}
}

func TestFrameTakesOneMessageAtLeast(t *testing.T) {
	large := wire.Envelope{Group: 1, Message: &wire.ForwardProposals{Commands: [][]byte{make([]byte, 2*frameBytesGoal)}}}
	for _, messages := range [][]wire.Envelope{{large}, {large, heartbeat(1)}, {heartbeat(1), large}} {
		if _, taken, _ := appendFrame(nil, messages, FrameBytesMaxDefault); taken != 1 {
			t.Errorf("took %d", taken)
		}
	}
	small := heartbeat(1).Size()
	if _, taken, size := appendFrame(nil, []wire.Envelope{heartbeat(1), heartbeat(2), heartbeat(3)}, 2*small); taken != 2 || size != 2*small {
		t.Errorf("took %d of %d bytes", taken, size)
	}
}

func TestFramesThatArrivedAreDeliveredTogether(t *testing.T) {
	var stream []byte
	for i := range wire.Term(100) {
		stream = append(stream, frameOf(heartbeat(i))...)
	}
	got, calls, err := readAll(bytes.NewReader(stream), FrameBytesMaxDefault)
	if len(got) != 100 || calls != 1 || err != io.EOF {
		t.Errorf("%d messages in %d calls, error %v", len(got), calls, err)
	}
	got, calls, err = readAll(iotest.OneByteReader(bytes.NewReader(stream)), FrameBytesMaxDefault)
	if len(got) != 100 || calls != 100 || err != io.EOF {
		t.Errorf("%d messages in %d calls, error %v", len(got), calls, err)
	}
}

func TestMalformedFrames(t *testing.T) {
	good := frameOf(heartbeat(1), heartbeat(2))
	envelope := wire.AppendEnvelope(nil, heartbeat(3))
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1]++
	longer := bytes.Clone(good)
	longer[2] ^= 0x40 // It must not wait for four more mebibytes.
	for name, test := range map[string]struct {
		bytes []byte
		want  error
	}{
		"damaged length":   {longer, errChecksum},
		"empty":            {rawFrame(nil), errFrame},
		"too long":         {rawHeader(1<<24, 0), errFrame},
		"longest":          {rawHeader(1<<32-1, 0), errFrame},
		"checksum":         {damaged, errChecksum},
		"junk":             {rawFrame([]byte("something that is no message")), wire.ErrMalformed},
		"junk after":       {rawFrame(append(bytes.Clone(envelope), 1)), wire.ErrMalformed},
		"message cut":      {rawFrame(envelope[:len(envelope)-1]), wire.ErrMalformed},
		"within a header":  {good[:5], io.ErrUnexpectedEOF},
		"behind a header":  {good[:frameHeaderBytes], io.ErrUnexpectedEOF},
		"within a body":    {good[:len(good)-1], io.ErrUnexpectedEOF},
		"clean end":        {nil, io.EOF},
		"forged and empty": {rawHeader(1<<20, 0), io.ErrUnexpectedEOF},
	} {
		got, _, err := readAll(bytes.NewReader(append(bytes.Clone(good), test.bytes...)), 1<<20)
		if !errors.Is(err, test.want) || len(got) != 2 {
			t.Errorf("%s: %d messages before it, error %v", name, len(got), err)
		}
	}
}

func TestForgedLengthAllocatesLittle(t *testing.T) {
	forged := append(rawHeader(0x3f<<24, 1), make([]byte, 3<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readAll(bytes.NewReader(forged), 1<<30)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 10<<20 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("allocated %d bytes for 3 MiB, error %v", grown, err)
	}
}

// TestGarbageEndsTheConnection sends what is no frame, before and after the
// handshake, and checks that each costs one connection and one line.
func TestGarbageEndsTheConnection(t *testing.T) {
	random := make([]byte, 1<<20)
	source := rand.NewChaCha8([32]byte{7})
	_, _ = source.Read(random)
	damaged := frameOf(heartbeat(1))
	damaged[len(damaged)-1]++
	for name, test := range map[string]struct {
		greet bool
		bytes []byte
		want  string
	}{
		"random":         {false, random, "not the Raft protocol"},
		"http":           {false, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "not the Raft protocol"},
		"checksum first": {false, append(prologue(), random...), "checksum does not match"},
		"random frames":  {true, random, "malformed frame"},
		"oversized":      {true, rawHeader(1<<32-1, 0), "the most is 67108864"},
		"checksum":       {true, damaged, "checksum does not match"},
		"junk":           {true, rawFrame([]byte("junk")), "wire: malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startNode(t, testOptions(2))
			conn := dialStranger(t, b)
			if test.greet {
				conn.greet(t, 2)
			}
			conn.write(test.bytes)
			conn.awaitEnd(t)
			b.lines.await(t, "incoming connection ended", test.want, "remote="+conn.LocalAddr().String())

			again := dialStranger(t, b)
			again.greet(t, 2)
			again.write(frameOf(heartbeat(42)))
			if d := b.receive(t); len(d.batch) != 1 || termOf(d.batch[0]) != 42 {
				t.Errorf("delivered %v", d)
			}
			if len(b.lines) > 0 {
				t.Errorf("logged more: %s", <-b.lines)
			}
		})
	}
}

// TestConnectionCutAtEachByte sends every beginning of a frame and then nothing.
func TestConnectionCutAtEachByte(t *testing.T) {
	b := startNode(t, testOptions(2))
	frame := frameOf(heartbeat(1), heartbeat(2))
	for n := range len(frame) {
		conn := dialStranger(t, b)
		conn.greet(t, 2)
		conn.write(frame[:n])
		_ = conn.Close()
	}
	conn := dialStranger(t, b)
	conn.greet(t, 2)
	for _, one := range frame {
		conn.write([]byte{one})
	}
	if d := b.receive(t); len(d.batch) != 2 || len(b.deliveries) > 0 {
		t.Errorf("delivered %v and %d more", d, len(b.deliveries))
	}
}

func FuzzFrameReader(f *testing.F) {
	f.Add(frameOf(heartbeat(1), heartbeat(2)))
	f.Add(append(frameOf(heartbeat(1)), 1, 2, 3))
	f.Add(rawFrame([]byte("junk")))
	f.Add(rawHeader(1<<32-1, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		const bytesMax = 1 << 16
		whole, _, wholeErr := readAll(bytes.NewReader(data), bytesMax)
		slow, _, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(data)), bytesMax)
		if !reflect.DeepEqual(whole, slow) || wholeErr.Error() != slowErr.Error() {
			t.Fatalf("how the bytes arrive matters: %v and %v, %v and %v", whole, slow, wholeErr, slowErr)
		}
	})
}
