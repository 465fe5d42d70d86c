// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

// electionTimeoutMin is below what any network and disk allow.
const electionTimeoutMin = 10 * time.Millisecond

// checkRanges finds out what makes no sense before a folder is made.
func (f *serveFlags) checkRanges() error {
	switch policy := &f.node.Snapshots; {
	case f.node.ClientAddress == "":
		return errors.New("--client: the address is empty")
	case f.node.ElectionTimeout < electionTimeoutMin:
		return fmt.Errorf("--election-timeout: must be at least %v", electionTimeoutMin)
	case f.node.RequestTimeout <= 0:
		return errors.New("--request-timeout: must be more than zero")
	case f.node.ClientsMax <= 0:
		return errors.New("--max-clients: must be more than zero")
	case f.node.Engine != node.EngineMemory && f.node.Engine != node.EngineDisk:
		return fmt.Errorf("--engine: %q is neither %s nor %s", f.node.Engine, node.EngineMemory, node.EngineDisk)
	case policy.Entries < 0 || policy.LogBytes < 0 || policy.Interval < 0:
		return errors.New("--snapshot-entries, --snapshot-log-bytes and --snapshot-interval: must not be negative")
	case policy.TrailingEntries < 0 || policy.TrailingBytes < 0:
		return errors.New("--snapshot-trailing-entries and --snapshot-trailing-bytes: must not be negative")
	case policy.Keep < 1:
		return errors.New("--snapshot-keep: must be more than zero")
	case policy.RetainBytesMax < 1:
		return errors.New("--snapshot-retain-bytes: must be more than zero")
	case f.node.SnapshotBytesPerSecond < 0:
		return errors.New("--snapshot-rate: must not be negative")
	}
	return f.checkAddresses()
}

// checkAddresses finds out what is no address before a folder is made.
func (f *serveFlags) checkAddresses() error {
	for _, a := range []struct{ flag, address string }{
		{"--client", f.node.ClientAddress}, {"--admin", f.node.AdminAddress}, {"--raft-listen", f.raftListen},
	} {
		if a.address == "" {
			continue
		}
		_, port, err := net.SplitHostPort(a.address)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return fmt.Errorf("%s: %q is not of the form HOST:PORT", a.flag, a.address)
		}
	}
	if f.node.Advertise != "" {
		if err := admin.CheckAddress(f.node.Advertise); err != nil {
			return fmt.Errorf("--advertise: %w", err)
		}
	}
	return nil
}
