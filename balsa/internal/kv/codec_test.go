// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/balsa-raft/raft"
)

func TestEncodingIsGolden(t *testing.T) {
	c := Command{
		Op: OpSet, Flags: FlagNX | FlagRelative, Now: 0x0102030405060708, Number: -3, Count: 5,
		Args: [][]byte{[]byte("key"), {}},
	}
	const want = "0102" + "0807060504030201" + "41" + "05" + "0a" + "02" + "036b6579" + "00"
	encoded := c.Append(nil)
	if got := hex.EncodeToString(encoded); got != want {
		t.Fatalf("encoded as %s, want %s", got, want)
	}
	if len(encoded) > c.Size() {
		t.Errorf("%d bytes, more than Size says: %d", len(encoded), c.Size())
	}
	var decoded Command
	if err := decoded.Decode(encoded); err != nil || !reflect.DeepEqual(decoded, c) {
		t.Errorf("decoded as %+v, %v; want %+v", decoded, err, c)
	}
}

func TestDecodeRefuses(t *testing.T) {
	get, mset := op(OpGet, "a"), op(OpMSet, "a", "b", "c")
	whole := get.Append(nil)
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrMalformed},
		{"cut short", whole[:len(whole)-1], ErrMalformed},
		{"one byte more", append(whole[:len(whole):len(whole)], 0), ErrMalformed},
		{"no operation", changed(whole, 1, 0), ErrMalformed},
		{"newer operation", changed(whole, 1, byte(opLast)+1), ErrUnsupported},
		{"newer format", changed(whole, 0, formatVersion+1), ErrUnsupported},
		{"newer flag", append([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x7f}, whole[11:]...), ErrUnsupported},
		{"too few arguments", (&Command{Op: OpGet}).Append(nil), ErrMalformed},
		{"too many arguments", (&Command{Op: OpDBSize, Args: get.Args}).Append(nil), ErrMalformed},
		{"half a pair", mset.Append(nil), ErrMalformed},
		{"negative count", (&Command{Op: OpScan, Count: -1}).Append(nil), ErrMalformed},
	}
	for _, test := range tests {
		var c Command
		if err := c.Decode(test.data); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func changed(data []byte, at int, to byte) []byte {
	data = append([]byte(nil), data...)
	data[at] = to
	return data
}

func TestEveryOperationIsInTheTable(t *testing.T) {
	for o := Op(1); o <= opLast; o++ {
		if operations[o].apply == nil {
			t.Errorf("operation %d has nothing that applies it", o)
		}
	}
}

// FuzzDecode applies whatever decodes: no entry may make the machine fail, and
// what decodes encodes to something that decodes to the same.
func FuzzDecode(f *testing.F) {
	for o := Op(1); o <= opLast; o++ {
		for _, words := range [][]string{nil, {"a"}, {"a", "b"}} {
			c := op(o, words...).at(7, 9)
			f.Add(c.Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		machine := NewMachine()
		replies := machine.Apply([]raft.Entry{{Index: 1, Data: data}, {Index: 2, Data: data}})
		if len(replies[0]) < 3 || len(replies[1]) < 3 {
			t.Fatalf("no replies: %q", replies)
		}
		var c, again Command
		if err := c.Decode(data); err != nil {
			if machine.Err() == nil {
				t.Fatalf("applied what does not decode: %v", err)
			}
			return
		}
		if err := again.Decode(c.Append(nil)); err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}
