// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/lsm"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

// beginState puts the state of a disk engine that has applied nothing in place of a folder's own.
func beginState(t *testing.T, dir string) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(dir, stateFolder)))
	m, err := lsm.Open(filepath.Join(dir, stateFolder), lsm.Options{Logger: discard})
	must(t, err)
	must(t, m.Close())
}

// TestStateIsLost: a state that ends before what it had made durable, or is not there, is not taken for the node's:
// it would be served, or printed, as if nothing were missing.
func TestStateIsLost(t *testing.T) {
	for name, spoil := range map[string]struct {
		do      func(t *testing.T, dir string)
		problem string
	}{
		"older":   {beginState, "the state ends with command t0/i0, and it had"},
		"missing": {func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, stateFolder))) }, "there is no state, and it had command"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSurvivor(t, node.EngineDisk)
			spoil.do(t, s.dir)
			v, err := Verify(s.dir)
			if err != nil || len(v.Damages) != 1 || !strings.Contains(v.Damages[0].Problem, spoil.problem) || filepath.Base(v.Damages[0].File) != stateFolder {
				t.Errorf("verify: %+v, %v", v, err)
			}
			var text bytes.Buffer
			if d, err := WriteDump(s.dir, false, &text); !errors.Is(err, raft.ErrForceStateLost) || text.Len() > 0 {
				t.Errorf("dump: %+v, %v, %d bytes", d, err, text.Len())
			}
			if plan, err := Plan(s.options()); err != nil || !strings.Contains(plan.Refusal, spoil.problem) {
				t.Errorf("plan: %q, %v", plan.Refusal, err)
			}
			if _, err := Recover(s.options()); !errors.Is(err, raft.ErrForceStateLost) {
				t.Errorf("recover: %v", err)
			}
		})
	}
}

// TestSnapshotNotRestoredYet: a snapshot that was received is newer than the state on disk until that is restored,
// and counts.
func TestSnapshotNotRestoredYet(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	beginState(t, s.dir)
	var text bytes.Buffer
	if _, err := WriteDump(s.dir, false, &text); err != nil || text.String() != s.text {
		t.Errorf("dump: %v, %d bytes of %d", err, text.Len(), len(s.text))
	}
	if v, err := Verify(s.dir); err != nil || len(v.Damages) > 0 {
		t.Errorf("verify: %+v, %v", v, err)
	}
	if plan, err := Plan(s.options()); err != nil || plan.Refusal != "" {
		t.Errorf("plan: %q, %v", plan.Refusal, err)
	}
}
