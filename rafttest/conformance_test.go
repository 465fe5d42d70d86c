// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/rafttest"
	"github.com/balsa-raft/raft/tcp"
	"github.com/balsa-raft/raft/wal"
	"github.com/balsa-raft/raft/wire"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestMemLog(t *testing.T) {
	rafttest.TestLogStore(t, rafttest.LogStore{
		Open:   func(testing.TB) raft.LogStore { return mem.NewLog() },
		Reopen: func(_ testing.TB, closed raft.LogStore) raft.LogStore { return closed },
		Crash:  func(_ testing.TB, log raft.LogStore) raft.LogStore { return log.(*mem.Log).Clone() },
	})
}

// walLog is a log with what it takes to open it again.
type walLog struct {
	*wal.Log
	options wal.Options
}

func openWAL(t testing.TB, options wal.Options) raft.LogStore {
	t.Helper()
	options.Cluster, options.Node, options.Logger = raft.NewClusterID("rafttest"), 1, quiet
	log, err := wal.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return &walLog{log, options}
}

// TestWALOnDisk uses real files, and segments that just hold the largest command.
func TestWALOnDisk(t *testing.T) {
	rafttest.TestLogStore(t, rafttest.LogStore{
		CommandBytesMax: largestCommand,
		Open: func(t testing.TB) raft.LogStore {
			return openWAL(t, wal.Options{Dir: t.TempDir(), SegmentBytes: 17 << 20})
		},
		Reopen: func(t testing.TB, closed raft.LogStore) raft.LogStore { return openWAL(t, closed.(*walLog).options) },
	})
}

// TestWALInMemory has a file system that loses and tears whatever was not synced, and
// segments that are small for what is in them.
func TestWALInMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rafttest.TestLogStore(t, rafttest.LogStore{
		CommandBytesMax: 100 << 10,
		Open: func(t testing.TB) raft.LogStore {
			return openWAL(t, wal.Options{Dir: "/log", SegmentBytes: 128 << 10, FS: vfs.NewMem()})
		},
		Reopen: func(t testing.TB, closed raft.LogStore) raft.LogStore { return openWAL(t, closed.(*walLog).options) },
		Crash: func(t testing.TB, log raft.LogStore) raft.LogStore {
			options := log.(*walLog).options
			options.FS = options.FS.(*vfs.Mem).CrashClone(vfs.Random(random))
			return openWAL(t, options)
		},
	})
}

func TestMemTransport(t *testing.T) {
	rafttest.TestTransport(t, rafttest.Transport{
		Cluster: func(testing.TB) func(raft.NodeID) (raft.Transport, string) {
			network := mem.NewNetwork(1)
			return func(id raft.NodeID) (raft.Transport, string) { return network.Transport(id), fmt.Sprint("node-", id) }
		},
	})
}

// TestMemTransportKeepsNothingForItself is about a node that was told where it is
// itself. The contract speaks of other nodes only, and package raft never does that.
func TestMemTransportKeepsNothingForItself(t *testing.T) {
	network := mem.NewNetwork(1)
	transport := network.Transport(1)
	defer transport.Close()
	if err := transport.Start(func(raft.NodeID, []wire.Envelope) {}, func(raft.NodeID) {}); err != nil {
		t.Fatal(err)
	}
	transport.Connect(1, "itself")
	if transport.Send(1, wire.Envelope{Group: 1, Message: &wire.TimeoutNow{Term: 1}}) {
		t.Error("a message for the node itself was taken")
	}
}

func TestTCPTransport(t *testing.T) {
	clusters := 0
	rafttest.TestTransport(t, rafttest.Transport{
		Cluster: func(t testing.TB) func(raft.NodeID) (raft.Transport, string) {
			clusters++
			cluster := raft.NewClusterID(fmt.Sprint(clusters))
			return func(id raft.NodeID) (raft.Transport, string) {
				transport, err := tcp.Listen(tcp.Options{
					Address: "127.0.0.1:0", Node: id, Cluster: cluster, Logger: quiet,
					BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond,
				})
				if err != nil {
					t.Fatal(err)
				}
				return transport, transport.Addr().String()
			}
		},
	})
}

// registers is a small state machine: "key=value" sets, and the value of a command
// is what the key held before.
type registers struct{ values map[string]string }

func (r *registers) Apply(batch []raft.Entry) [][]byte {
	before := make([][]byte, len(batch))
	for i, entry := range batch {
		key, value, _ := bytes.Cut(entry.Data, []byte("="))
		before[i] = []byte(r.values[string(key)])
		r.values[string(key)] = string(value)
	}
	return before
}

func (r *registers) dump() []byte {
	var dump []byte
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		dump = fmt.Appendf(dump, "%q=%q\n", key, r.values[key])
	}
	return dump
}

func TestRegisters(t *testing.T) {
	rafttest.TestStateMachine(t, rafttest.StateMachine{
		New: func(testing.TB) raft.StateMachine { return &registers{values: map[string]string{}} },
		Command: func(random *rand.Rand) []byte {
			return fmt.Appendf(nil, "key-%d=%d", random.IntN(10), random.IntN(1000))
		},
		Dump: func(_ testing.TB, machine raft.StateMachine) []byte { return machine.(*registers).dump() },
	})
}
