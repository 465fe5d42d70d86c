// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/balsa-raft/raft"
)

// durableMachine is a machine that keeps its state on the node's disk. It writes it now and
// then, after a batch; what it has not written it has lost after a crash.
type durableMachine struct {
	*machine
	failed error // the last write has: what the disk has is older
}

var _ raft.DurableStateMachine = (*durableMachine)(nil)

const (
	stateDir  = "/state"
	stateFile = stateDir + "/now"
	stateNext = stateDir + "/next"
)

// Apply is raft.StateMachine's.
func (m *durableMachine) Apply(batch []raft.Entry) [][]byte {
	for i := range batch {
		m.n.w.check.AppliesDurable(m.n.id, batch[i].Index)
	}
	values := m.machine.Apply(batch)
	if m.failed == nil && m.n.w.storing.IntN(m.n.w.plan.snapshots.flushEvery) == 0 {
		m.failed = m.flush()
	}
	return values
}

// LastApplied is raft.DurableStateMachine's.
func (m *durableMachine) LastApplied() (raft.LogID, error) {
	data, err := readAll(m.n.disk.fs, stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return raft.LogID{}, nil
	}
	if err != nil {
		return raft.LogID{}, fmt.Errorf("sim: read the state: %w", err)
	}
	if len(data) < checksumBytes || crc32.Checksum(data[checksumBytes:], castagnoli) != binary.LittleEndian.Uint32(data) {
		return raft.LogID{}, errNoState
	}
	s, err := decodeState(data[checksumBytes:])
	if err != nil {
		return raft.LogID{}, err
	}
	m.state = s
	m.n.w.check.Resumes(m.n.id, s.seen())
	return s.command, nil
}

// Sync is raft.DurableStateMachine's. A write that has failed is not tried again.
func (m *durableMachine) Sync() error {
	m.n.interleave()
	if m.failed == nil && !m.n.w.plant.unsynced {
		m.failed = m.flush()
	}
	return m.failed
}

// Restore is raft.Snapshotter's. The state that was restored is durable after the next Sync.
func (m *durableMachine) Restore(r io.Reader) error { return m.machine.Restore(r) }

// flush writes the state in the place of the one on the disk, at once or not at all.
func (m *durableMachine) flush() error {
	disk := m.n.disk.fs
	if err := disk.MkdirAll(stateDir); err != nil {
		return err
	}
	if err := disk.Remove(stateNext); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := disk.Create(stateNext)
	if err != nil {
		return err
	}
	data := m.encode(0)
	data = append(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(data, castagnoli)), data...)
	_, err = file.WriteAt(data, 0)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := disk.Rename(stateNext, stateFile); err != nil {
		return err
	}
	return disk.SyncDir(stateDir)
}
