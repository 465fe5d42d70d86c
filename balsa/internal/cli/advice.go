// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/wal"
)

// advice says what to do about the errors that operators meet. The first that fits
// counts. Package wal says itself what to do about the files, because that depends; here
// it is only said with which flags.
var advice = []struct {
	about error
	text  string
}{
	{wal.ErrLocked, "or see --dir: a node needs a folder of its own"},
	{wal.ErrWrongCluster, "see --dir, --cluster-name and --initial-cluster, which must be what they were when the folder was made"},
	{wal.ErrWrongNode, "see --dir and --id"},
	{wal.ErrVersion, "run the version of balsa that wrote the folder, or a newer one"},
	{kv.ErrUnsupported, "the other nodes run a newer version of balsa: run the same on this one"},
	{admin.ErrUnsure, "see balsa members and balsa explain before doing it again"},
	{admin.ErrOpen, "give it one with --admin-token-file, mutual TLS with --admin-tls, or an address such as 127.0.0.1:8001 with --admin"},
	{node.ErrClientAddress, "stop the process that uses the address, or choose another with --client"},
	{node.ErrAdminAddress, "stop the process that uses the address, or choose another with --admin"},
	{node.ErrRaftAddress, "stop the process that uses the address; if it is not an address of this machine, say where to listen with --raft-listen"},
	{syscall.ENOSPC, "the disk is full: free some space and start the node again"},
	{syscall.EROFS, "the file system is read-only: choose a folder that can be written with --dir"},
	{fs.ErrPermission, "this user must be able to write to the folder: change its owner, or choose another with --dir"},
}

func adviceOn(err error) string {
	for _, a := range advice {
		if errors.Is(err, a.about) {
			return a.text
		}
	}
	return ""
}
