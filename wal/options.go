// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

const (
	segmentBytesDefault = 64 << 20
	segmentBytesMin     = 8 << 10
	segmentBytesMax     = 1 << 30
	blockBytesDefault   = vfs.SectorBytes
	blockBytesMax       = 64 << 10
)

// Options says where a log is and whose it is. Dir, Cluster and Node are required; a
// zero field means its default.
type Options struct {
	// Dir is the folder, which belongs to the log alone. It is made if missing.
	Dir string
	// Cluster and Node are whose log it is. They are fixed when the folder is made.
	Cluster wire.ClusterID
	Node    wire.NodeID

	// SegmentBytes is the size of each file, a multiple of BlockBytes. An update must
	// fit in a file. It may differ from one Open to the next. Default 64 MiB.
	SegmentBytes int
	// BlockBytes is the unit of writing: every Save takes a multiple of it, and no
	// two share a block. It is a power of two of at least 512. The default, 512, is
	// right unless the disk may damage more than the sector that it was writing when
	// the power failed; 4096 is then the better choice, at the price of space.
	BlockBytes int
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger

	// FS is where the files are; nil means the operating system's file system.
	FS vfs.FS
	// Incarnation is the one a new folder gets; zero means a random one.
	Incarnation wire.Incarnation
	// ReadOnly opens a log that is there to be read. No file is changed, but for the lock that
	// the log is held by; Save returns ErrReadOnly. Cluster and Node may be zero: then it
	// does not matter whose log it is. What an interrupted write has left is passed over.
	ReadOnly bool
	// Synchronous makes Save do what otherwise a goroutine of the log does in the
	// background: preparing spare files and disposing of those that are not needed.
	// It is for simulations, in which nothing may happen by itself.
	Synchronous bool

	_ struct{}
}

func (o Options) withDefaults() Options {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = segmentBytesDefault
	}
	if o.BlockBytes == 0 {
		o.BlockBytes = blockBytesDefault
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	return o
}

func (o Options) validate() error {
	var problems []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("wal: "+format, args...))
		}
	}
	require(o.Dir != "", "Options.Dir is missing")
	require(o.ReadOnly || o.Cluster != wire.ClusterID{}, "Options.Cluster is missing")
	require(o.ReadOnly || o.Node != 0, "Options.Node is missing")
	require(isBlockBytes(o.BlockBytes), "Options.BlockBytes %d is not a power of two between %d and %d",
		o.BlockBytes, blockBytesDefault, blockBytesMax)
	require(isSegmentBytes(o.SegmentBytes, o.BlockBytes),
		"Options.SegmentBytes %d is not a multiple of BlockBytes between %d and %d, and of at least four blocks",
		o.SegmentBytes, segmentBytesMin, segmentBytesMax)
	return errors.Join(problems...)
}

func isBlockBytes(n int) bool {
	return n >= blockBytesDefault && n <= blockBytesMax && n&(n-1) == 0
}

func isSegmentBytes(n, block int) bool {
	return n >= segmentBytesMin && n <= segmentBytesMax && block > 0 && n%block == 0 && n/block >= 4
}
