// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"time"
)

// SnapshotPolicy says when a member takes snapshots of its state machine and how much of
// the log it keeps behind them. A zero field means its default.
//
// A snapshot is taken when Entries, LogBytes or Interval says so, whichever is the first,
// each stretched by up to a quarter at random, so that the members do not all take theirs
// at once; and when Group.Snapshot asks for one. But after each the member rests for three
// times as long as it took, so that snapshots come later than that if the state is large.
type SnapshotPolicy struct {
	// Entries is after how many entries a snapshot is taken. Default 100,000; negative
	// means never for this reason.
	Entries int
	// LogBytes is after how many bytes of entries. Default 256 MiB; negative means never
	// for this reason.
	LogBytes int64
	// Interval is after how much time, if anything was applied meanwhile. Default 1 h;
	// negative means never for this reason.
	Interval time.Duration

	// TrailingEntries and TrailingBytes are how much of the log is kept behind a snapshot, so
	// that a member which is a little behind is sent entries and not a snapshot: as many
	// entries as are within both. Default 10,000 and 64 MiB; negative means none.
	TrailingEntries int
	TrailingBytes   int64
	// RetainBytesMax bounds the log that a leader keeps beyond that for members which
	// lag or are installing a snapshot. What is below it is forgotten even if one of them needs
	// it, with a warning. Default 1 GiB.
	RetainBytesMax int64

	// Keep is how many snapshots are kept. Default 2.
	Keep int

	_ struct{}
}

func (p SnapshotPolicy) withDefaults() SnapshotPolicy {
	setDefault(&p.Entries, 100_000)
	setDefault(&p.LogBytes, 256<<20)
	setDefault(&p.Interval, time.Hour)
	setDefault(&p.TrailingEntries, 10_000)
	setDefault(&p.TrailingBytes, 64<<20)
	setDefault(&p.RetainBytesMax, 1<<30)
	setDefault(&p.Keep, 2)
	return p
}

func (p SnapshotPolicy) validate() error {
	if p.RetainBytesMax < 0 {
		return errors.New("raft: SnapshotPolicy.RetainBytesMax is negative")
	}
	if p.Keep < 0 {
		return errors.New("raft: SnapshotPolicy.Keep is negative")
	}
	return nil
}
