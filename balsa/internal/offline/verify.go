// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/snapdir"
	"github.com/balsa-raft/raft/wal"
)

// discard is for what is said in other words.
var discard = slog.New(slog.DiscardHandler)

// Damage is one place in a folder that is not as it was written.
type Damage struct {
	File string `json:"file"`
	// Offset is where in the file, in bytes.
	Offset  int64  `json:"offset"`
	Problem string `json:"problem"`
}

// Verification is what Verify has found.
type Verification struct {
	Dir string `json:"dir"`
	// Entries, Snapshots and Keys are how many were read and found whole: of the log, snapshots,
	// and keys of the disk engine.
	Entries   uint64   `json:"entries"`
	Snapshots int      `json:"snapshots"`
	Keys      int      `json:"keys"`
	Damages   []Damage `json:"damages"`
}

// Verify reads everything in the folder of a node that does not run, and returns all damage. It
// changes nothing. An error means that it could not read.
func Verify(dir string) (Verification, error) {
	v := Verification{Dir: dir, Damages: []Damage{}}
	damages, err := wal.Verify(wal.Options{Dir: dir, Logger: discard})
	if errors.Is(err, wal.ErrNoLog) {
		return v, fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	if err != nil {
		return v, err
	}
	for _, d := range damages {
		v.Damages = append(v.Damages, Damage{d.File, d.Offset, d.Problem})
	}
	broken, err := snapdir.Verify(filepath.Join(dir, snapshotsFolder), snapdir.Options{Logger: discard})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	for _, d := range broken {
		v.Damages = append(v.Damages, Damage{d.Path, d.Offset, d.Problem})
	}
	if err := v.state(dir); err != nil {
		return v, err
	}
	if len(damages) > 0 {
		return v, nil // Nothing can be compared with a log that is damaged.
	}
	return v, v.together(dir)
}

// state reads the state of the disk engine, whose blocks have checksums of their own.
func (v *Verification) state(dir string) error {
	view, err := openState(dir, discard)
	if err == nil && view == nil {
		return nil
	}
	if err == nil {
		reader := view.Snapshot()
		_, err = io.Copy(io.Discard, reader)
		v.Keys = view.Keys()
		err = errors.Join(err, reader.Close(), view.Close())
	}
	if err != nil {
		v.Damages = append(v.Damages, Damage{File: filepath.Join(dir, stateFolder), Problem: err.Error()})
	}
	return nil
}

// together compares the parts, each of which is whole.
func (v *Verification) together(dir string) error {
	f, err := Open(dir, discard)
	if err != nil {
		return err
	}
	for _, id := range f.Log.Groups() {
		if err = v.group(f, id); err != nil {
			break
		}
	}
	return errors.Join(err, f.Close())
}

func (v *Verification) group(f *Folder, id raft.GroupID) error {
	state, err := f.Log.Load(id)
	if err != nil {
		return err
	}
	v.Entries += uint64(state.Last - state.Compacted.Index)
	reached := raft.Index(0)
	if f.Snapshots != nil {
		list, err := f.Snapshots.List(id)
		if err != nil {
			return err
		}
		v.Snapshots += len(list)
		if len(list) > 0 {
			reached = list[0].Last.Index
		}
	}
	if reached < state.Compacted.Index {
		v.Damages = append(v.Damages, Damage{File: filepath.Join(f.Dir, snapshotsFolder), Problem: fmt.Sprintf(
			"the log of group %d begins behind entry %d, and no whole snapshot reaches that far", id, state.Compacted.Index)})
	}
	if id == groupID {
		problem, err := f.stateProblem()
		if err != nil {
			return err
		}
		if problem != "" {
			v.Damages = append(v.Damages, Damage{File: f.stateFile(), Problem: problem})
		}
	}
	if last := max(state.Last, reached); f.State != nil && id == groupID && f.State.Applied().Index > last {
		v.Damages = append(v.Damages, Damage{File: f.stateFile(), Problem: fmt.Sprintf(
			"the state has applied entry %d, and the log ends at %d", f.State.Applied().Index, last)})
	}
	return nil
}

// WriteText writes the result for people.
func (v *Verification) WriteText(out io.Writer) error {
	p := printer{w: out}
	for _, d := range v.Damages {
		p.line("DAMAGED %s at byte %d: %s", d.File, d.Offset, d.Problem)
	}
	if len(v.Damages) == 0 {
		p.line("%s: whole: %d log entries, %d snapshots, %d keys on disk", v.Dir, v.Entries, v.Snapshots, v.Keys)
	}
	return p.err
}
