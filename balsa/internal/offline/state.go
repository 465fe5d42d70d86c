// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"
	"path/filepath"

	"github.com/balsa-raft/raft"
)

// newestSnapshot returns the newest snapshot, a zero one if there is none.
func (f *Folder) newestSnapshot() (newest raft.SnapshotMeta, err error) {
	if f.Snapshots == nil {
		return newest, nil
	}
	list, err := f.Snapshots.List(groupID)
	if err == nil && len(list) > 0 {
		newest = list[0]
	}
	return newest, err
}

// stateProblem says what the state of the disk engine lacks, "" if nothing: it had made durable what the newest
// snapshot says, so a state that is missing or ends before has been lost or replaced by an older one. A node with
// such a state does not start; see raft.ErrStateMachineBehind.
func (f *Folder) stateProblem() (string, error) {
	newest, err := f.newestSnapshot()
	if err != nil || !newest.External {
		return "", err
	}
	applied := raft.LogID{}
	if f.State != nil {
		applied = f.State.Applied()
	}
	switch {
	case f.State == nil:
		return fmt.Sprintf("there is no state, and it had command %v, as the snapshot says", newest.Command), nil
	case applied.Index < newest.Command.Index:
		return fmt.Sprintf("the state ends with command %v, and it had %v, as the snapshot says: it was replaced by an older one, or has lost writes",
			applied, newest.Command), nil
	case applied.Index == newest.Command.Index && applied != newest.Command:
		return fmt.Sprintf("the state ends with command %v, and the snapshot says %v: it is another node's, or of another time", applied, newest.Command), nil
	}
	return "", nil
}

// hasState reports whether the state of the disk engine is what the node would go on from. It would not if a
// snapshot has been received and not been restored yet.
func (f *Folder) hasState() (bool, error) {
	if f.State == nil {
		return false, nil
	}
	newest, err := f.newestSnapshot()
	return newest.External || newest.Command.Index <= f.State.Applied().Index, err
}

// stateFile is what a problem with the state is about.
func (f *Folder) stateFile() string { return filepath.Join(f.Dir, stateFolder) }
