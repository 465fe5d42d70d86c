// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"

	"github.com/balsa-raft/raft"

	"github.com/balsa-raft/raft/bench/load"
)

const resultBytes = 8

// machine applies batches, as a raft.StateMachine.
type machine struct{ counter *load.Counter }

// Apply applies committed commands in order. The values of a batch share one array.
func (m machine) Apply(batch []raft.Entry) [][]byte {
	values := make([][]byte, len(batch))
	array := make([]byte, resultBytes*len(batch))
	m.counter.Lock()
	defer m.counter.Unlock()
	for i, entry := range batch {
		values[i], array = array[:resultBytes:resultBytes], array[resultBytes:]
		binary.LittleEndian.PutUint64(values[i], m.counter.Apply(entry.Data))
	}
	return values
}
