// SPDX-License-Identifier: Apache-2.0

package kvtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wire"
)

// startOfTime is the first clock, in Unix milliseconds.
const startOfTime = 1_000_000

// arguments says how many arguments an operation is given.
var arguments = map[kv.Op]int{
	kv.OpGet: 1, kv.OpSet: 2, kv.OpSetNX: 2, kv.OpGetSet: 2, kv.OpGetDel: 1, kv.OpMGet: 3, kv.OpMSet: 4, kv.OpDel: 2,
	kv.OpExists: 2, kv.OpIncrBy: 1, kv.OpAppend: 2, kv.OpStrlen: 1, kv.OpExpire: 1, kv.OpTTL: 1, kv.OpPTTL: 1,
	kv.OpPersist: 1, kv.OpKeys: 1, kv.OpScan: 0, kv.OpDBSize: 0, kv.OpFlush: 0, kv.OpType: 1,
}

// Command returns a random command over few keys. Half of them write a value; clocks go
// on slowly, and back, and keys expire.
func Command(random *rand.Rand) []byte {
	return draw(random, startOfTime+int64(random.ExpFloat64()*1000))
}

// Log returns random commands with clocks that go on, and sometimes back.
func Log(random *rand.Rand, length int) []raft.Entry {
	now := int64(startOfTime)
	entries := make([]raft.Entry, length)
	for i := range entries {
		now += random.Int64N(40) - 10
		entries[i] = raft.Entry{
			Index: raft.Index(i + 1), Term: raft.Term(1 + i/100), Kind: wire.EntryCommand, Data: draw(random, now),
		}
	}
	return entries
}

func draw(random *rand.Rand, now int64) []byte {
	c := kv.Command{Op: kv.Op(1 + random.IntN(int(kv.OpType))), Now: now}
	if c.Op == kv.OpFlush && random.IntN(10) != 0 || random.IntN(3) == 0 {
		c.Op = kv.OpSet
	}
	switch c.Op {
	case kv.OpSet:
		c.Flags = []kv.Flags{0, kv.FlagRelative, kv.FlagRelative, kv.FlagKeepTTL, kv.FlagNX, kv.FlagGet}[random.IntN(6)]
	case kv.OpExpire:
		c.Flags = kv.FlagRelative | []kv.Flags{0, kv.FlagNX, kv.FlagXX, kv.FlagGT, kv.FlagLT}[random.IntN(5)]
	case kv.OpScan:
		c.Count = 1 + random.Int64N(20)
	}
	c.Number = 1 + random.Int64N(400)
	for n := range arguments[c.Op] {
		c.Args = append(c.Args, argument(random, n))
	}
	if c.Op == kv.OpKeys {
		c.Args[0] = []byte("*")
	}
	return c.Append(nil)
}

// argument returns a key, which is sometimes empty or long, or a value. Some keys are also
// integers and so values of OpIncrBy.
func argument(random *rand.Rand, n int) []byte {
	switch r := random.IntN(20); {
	case r == 0:
		return nil
	case r == 1:
		return fmt.Appendf(nil, "%0200d", random.IntN(3))
	default:
		return fmt.Appendf(nil, "%d", n*r+random.IntN(60))
	}
}
