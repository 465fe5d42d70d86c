// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

const (
	blockBytesDefault = 256 << 10
	blockBytesMin     = 512
	blockBytesMax     = 16 << 20

	syncBytesDefault = 16 << 20
)

// Options says whose snapshots they are. Cluster and Node are required; a zero field
// means its default.
type Options struct {
	// Cluster and Node are whose snapshots they are. They are in every file.
	Cluster wire.ClusterID
	Node    wire.NodeID

	// BlockBytes is how much data has a checksum of its own, and so the least that is
	// read: reads of whole blocks are the cheapest. It is a power of two from 512 to
	// 16 MiB, and may differ from one Open to the next. Default 256 KiB.
	BlockBytes int
	// SyncBytes is how many bytes of a snapshot may be waiting in the system's cache to be
	// written, about. Default 16 MiB.
	SyncBytes int
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger

	// ReadOnly opens snapshots that are there to be read. No file is changed, but for the lock
	// that the folder is held by: what is damaged is not in List, and stays where it is. Begin,
	// Delete and what belongs to them return ErrReadOnly. Cluster and Node may be zero: then
	// it does not matter whose snapshots they are.
	ReadOnly bool

	// FS is where the files are; nil means the operating system's file system.
	FS vfs.FS

	_ struct{}
}

func (o Options) withDefaults() Options {
	if o.BlockBytes == 0 {
		o.BlockBytes = blockBytesDefault
	}
	if o.SyncBytes == 0 {
		o.SyncBytes = syncBytesDefault
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
			problems = append(problems, fmt.Errorf("snapdir: "+format, args...))
		}
	}
	require(o.ReadOnly || o.Cluster != wire.ClusterID{}, "Options.Cluster is missing")
	require(o.ReadOnly || o.Node != 0, "Options.Node is missing")
	require(isBlockBytes(o.BlockBytes), "Options.BlockBytes %d is not a power of two between %d and %d",
		o.BlockBytes, blockBytesMin, blockBytesMax)
	require(o.SyncBytes > 0, "Options.SyncBytes %d is negative", o.SyncBytes)
	return errors.Join(problems...)
}

func isBlockBytes(n int) bool { return n >= blockBytesMin && n <= blockBytesMax && n&(n-1) == 0 }
