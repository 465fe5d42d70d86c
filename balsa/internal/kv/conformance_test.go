// SPDX-License-Identifier: Apache-2.0

package kv_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/kv/kvtest"
	"github.com/balsa-raft/raft/rafttest"
)

func dump(t testing.TB, machine raft.StateMachine) []byte {
	m := machine.(*kv.Machine)
	var dump bytes.Buffer
	if err := m.WriteDump(&dump); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(dump.Bytes(), "%+v, %d in memory", m.Summarize(), m.Keys())
}

func TestStateMachineConformance(t *testing.T) {
	rafttest.TestStateMachine(t, rafttest.StateMachine{
		New: func(testing.TB) raft.StateMachine { return kv.NewMachine() }, Command: kvtest.Command, Dump: dump,
	})
}

func TestSnapshotterConformance(t *testing.T) {
	rafttest.TestSnapshotter(t, rafttest.Snapshotter{
		New: func(testing.TB) raft.Snapshotter { return kv.NewMachine() }, Command: kvtest.Command, Dump: dump,
	})
}
