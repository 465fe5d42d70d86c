// SPDX-License-Identifier: Apache-2.0

package command

import "github.com/balsa-raft/raft/balsa/internal/kv"

// Specs lists all commands by name.
var Specs = []Spec{
	{Name: "append", Arity: 3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpAppend)},
	{Name: "client", Arity: -2},
	{Name: "command", Arity: -1},
	{Name: "config", Arity: -2},
	{Name: "dbsize", Arity: 1, parse: plain(kv.OpDBSize)},
	{Name: "decr", Arity: 2, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: step(-1)},
	{Name: "decrby", Arity: 3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: parseDecrBy},
	{Name: "del", Arity: -2, Write: true, FirstKey: 1, LastKey: -1, KeyStep: 1, parse: plain(kv.OpDel)},
	{Name: "echo", Arity: 2},
	{Name: "exists", Arity: -2, FirstKey: 1, LastKey: -1, KeyStep: 1, parse: plain(kv.OpExists)},
	{Name: "expire", Arity: -3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: expire("expire", 1000)},
	{Name: "flushall", Arity: -1, Write: true, parse: parseFlush},
	{Name: "flushdb", Arity: -1, Write: true, parse: parseFlush},
	{Name: "get", Arity: 2, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpGet)},
	{Name: "getdel", Arity: 2, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpGetDel)},
	{Name: "getset", Arity: 3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpGetSet)},
	{Name: "hello", Arity: -1},
	{Name: "incr", Arity: 2, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: step(1)},
	{Name: "incrby", Arity: 3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: parseIncrBy},
	{Name: "info", Arity: -1},
	{Name: "keys", Arity: 2, parse: parseKeys},
	{Name: "mget", Arity: -2, FirstKey: 1, LastKey: -1, KeyStep: 1, parse: plain(kv.OpMGet)},
	{Name: "mset", Arity: -3, Write: true, FirstKey: 1, LastKey: -1, KeyStep: 2, parse: parseMSet},
	{Name: "persist", Arity: 2, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpPersist)},
	{Name: "pexpire", Arity: -3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: expire("pexpire", 1)},
	{Name: "ping", Arity: -1},
	{Name: "psetex", Arity: 4, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: setEx("psetex", 1)},
	{Name: "pttl", Arity: 2, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpPTTL)},
	{Name: "quit", Arity: -1},
	{Name: "scan", Arity: -2, parse: parseScan},
	{Name: "select", Arity: 2},
	{Name: "set", Arity: -3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: parseSet},
	{Name: "setex", Arity: 4, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: setEx("setex", 1000)},
	{Name: "setnx", Arity: 3, Write: true, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpSetNX)},
	{Name: "strlen", Arity: 2, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpStrlen)},
	{Name: "ttl", Arity: 2, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpTTL)},
	{Name: "type", Arity: 2, FirstKey: 1, LastKey: 1, KeyStep: 1, parse: plain(kv.OpType)},
	{Name: "unlink", Arity: -2, Write: true, FirstKey: 1, LastKey: -1, KeyStep: 1, parse: plain(kv.OpDel)},
}

var byName = index(Specs)

func index(specs []Spec) map[string]*Spec {
	names := make(map[string]*Spec, len(specs))
	for i := range specs {
		names[specs[i].Name] = &specs[i]
	}
	return names
}
