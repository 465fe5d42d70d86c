// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

const (
	// copyUpdateBytes is how much CopyLog puts into one update, which has to fit where a store
	// keeps it, and copySaveBytes how much it saves at once.
	copyUpdateBytes = 256 << 10
	copySaveBytes   = 4 << 20
)

var (
	errNothingToCopy = errors.New("there is nothing of it")
	errNoEntries     = errors.New("the store returns no entries, and no error")
)

// ErrCopyDiffers means that a copied log is not what it was copied from.
var ErrCopyDiffers = errors.New("raft: the copy of a log differs from it")

// CopyLog copies what a log store knows of a group, entry by entry, into another one, which must
// not know the group yet (ErrNotEmpty); a group of which there is nothing is an error, too. It
// reads the copy back and compares it before it returns (ErrCopyDiffers). Nobody else may use the
// stores. After an error, the group's part of the copy is of no use.
//
// A store that is Identified gives the copy an incarnation of its own: a member that is
// started on it does not vote where the one that it was copied from is meant.
func CopyLog(to, from LogStore, group GroupID) error {
	if err := copyLog(to, from, group); err != nil {
		return fmt.Errorf("raft: copy the log of group %d: %w", group, err)
	}
	return nil
}

func copyLog(to, from LogStore, group GroupID) error {
	state, err := from.Load(group)
	if err != nil {
		return err
	}
	there, err := to.Load(group)
	if err != nil {
		return err
	}
	switch {
	case there.Last > 0 || !there.HardState.IsZero():
		return ErrNotEmpty
	case state.Last == 0 && state.HardState.IsZero():
		return errNothingToCopy
	}
	start := wire.Update{Group: group, HardState: state.HardState, Reset: state.Compacted}
	if err := to.Save([]wire.Update{start}); err != nil {
		return err
	}
	if err := copyEntries(to, from, group, &state); err != nil {
		return err
	}
	return compareLogs(to, from, group, &state)
}

func copyEntries(to, from LogStore, group GroupID, state *wire.LogState) error {
	var updates []wire.Update
	size := 0
	for next := state.Compacted.Index + 1; next <= state.Last; {
		entries, err := readEntries(from, group, next, state.Last, copyUpdateBytes)
		if err != nil {
			return err
		}
		updates = append(updates, wire.Update{Group: group, Entries: entries})
		size += wire.SizeOf(entries)
		next += Index(len(entries))
		if size < copySaveBytes && next <= state.Last {
			continue
		}
		if err := to.Save(updates); err != nil {
			return err
		}
		updates, size = nil, 0
	}
	return nil
}

// readEntries reads at least one entry.
func readEntries(store LogStore, group GroupID, lo, hi Index, bytesMax int) ([]Entry, error) {
	entries, err := store.Entries(group, lo, hi, bytesMax)
	if err == nil && len(entries) == 0 {
		err = errNoEntries
	}
	return entries, err
}

// compareLogs reads both logs again.
func compareLogs(a, b LogStore, group GroupID, state *wire.LogState) error {
	copied, err := a.Load(group)
	if err != nil {
		return err
	}
	if copied.HardState != state.HardState || copied.Compacted != state.Compacted || copied.Last != state.Last {
		return fmt.Errorf("%w: it has %v behind %v up to %d, not %v behind %v up to %d", ErrCopyDiffers,
			copied.HardState, copied.Compacted, copied.Last, state.HardState, state.Compacted, state.Last)
	}
	for next := state.Compacted.Index + 1; next <= state.Last; {
		x, err := readEntries(a, group, next, state.Last, copySaveBytes)
		if err != nil {
			return err
		}
		y, err := readEntries(b, group, next, next+Index(len(x))-1, copySaveBytes)
		if err != nil {
			return err
		}
		for i := range min(len(x), len(y)) {
			if x[i].ID() != y[i].ID() || x[i].Kind != y[i].Kind || !bytes.Equal(x[i].Data, y[i].Data) {
				return fmt.Errorf("%w: entry %d is %v, not %v", ErrCopyDiffers, next+Index(i), x[i].ID(), y[i].ID())
			}
		}
		next += Index(min(len(x), len(y)))
	}
	return nil
}
