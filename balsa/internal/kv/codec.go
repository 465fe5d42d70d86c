// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// formatVersion is the first byte of every command in the log.
const formatVersion = 1

var (
	// ErrMalformed means that bytes are not a command.
	ErrMalformed = errors.New("kv: malformed command")
	// ErrUnsupported means that the bytes are a command of a newer version of balsa.
	ErrUnsupported = errors.New("kv: command of a newer version")
)

// Append appends the command's encoding to buf. After the version stand the
// operation, the clock in 8 bytes, then as variable-length integers the flags,
// number, count and number of arguments, then each argument with its length.
func (c *Command) Append(buf []byte) []byte {
	buf = append(buf, formatVersion, byte(c.Op))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(c.Now))
	buf = binary.AppendUvarint(buf, uint64(c.Flags))
	buf = binary.AppendVarint(buf, c.Number)
	buf = binary.AppendVarint(buf, c.Count)
	buf = binary.AppendUvarint(buf, uint64(len(c.Args)))
	for _, arg := range c.Args {
		buf = binary.AppendUvarint(buf, uint64(len(arg)))
		buf = append(buf, arg...)
	}
	return buf
}

// Size returns an upper bound of the encoded size in bytes.
func (c *Command) Size() int {
	size := 2 + 8 + 4*binary.MaxVarintLen64
	for _, arg := range c.Args {
		size += binary.MaxVarintLen32 + len(arg)
	}
	return size
}

// Decode fills the command from data, which it must take up exactly. The arguments
// alias data; the slice that holds them is reused.
func (c *Command) Decode(data []byte) error {
	if len(data) < 10 {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	if data[0] > formatVersion || Op(data[1]) > opLast {
		return fmt.Errorf("%w: format %d, operation %d", ErrUnsupported, data[0], data[1])
	}
	c.Op = Op(data[1])
	c.Now = int64(binary.LittleEndian.Uint64(data[2:]))
	d := decoder{data: data[10:]}
	flags := d.uvarint()
	if flags > uint64(flagsAll) {
		return fmt.Errorf("%w: operation %d with flags %#x", ErrUnsupported, c.Op, flags)
	}
	c.Flags = Flags(flags)
	c.Number, c.Count = d.varint(), d.varint()
	c.Args = d.args(c.Args[:0])
	return d.finish(c)
}

type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) advance(n int) {
	if n <= 0 {
		d.bad = true
		d.data = nil
		return
	}
	d.data = d.data[n:]
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	d.advance(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	d.advance(n)
	return v
}

func (d *decoder) args(args [][]byte) [][]byte {
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		size := d.uvarint()
		if d.bad || size > uint64(len(d.data)) {
			d.bad = true
			break
		}
		args = append(args, d.data[:size:size])
		d.data = d.data[size:]
	}
	return args
}

// finish checks what the operations rely on, so that no command in the log,
// however it came there, can make the machine fail.
func (d *decoder) finish(c *Command) error {
	if d.bad || len(d.data) > 0 || c.Count < 0 {
		return fmt.Errorf("%w: operation %d with fields that do not fit", ErrMalformed, c.Op)
	}
	if !operations[c.Op].accepts(len(c.Args)) {
		return fmt.Errorf("%w: operation %d with %d arguments", ErrMalformed, c.Op, len(c.Args))
	}
	return nil
}
