// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
)

// listing is a transport that notes where it is told to connect.
type listing struct {
	raft.Transport
	told []string
}

func (l *listing) Connect(peer raft.NodeID, address string) {
	l.told = append(l.told, fmt.Sprintf("%d=%s", peer, address))
}

func TestPeerAddressesReplaceTheMembership(t *testing.T) {
	l := new(listing)
	transport := newRouted(l, map[raft.NodeID]string{2: "proxy:2"})
	transport.Connect(2, "real:2")
	transport.Connect(3, "real:3")
	transport.Connect(2, "")
	want := []string{"2=proxy:2", "2=proxy:2", "3=real:3", "2="}
	if !slices.Equal(l.told, want) {
		t.Errorf("told %q, want %q", l.told, want)
	}
}
