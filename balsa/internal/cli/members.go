// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft"
)

// parseMembers parses the value of --initial-cluster, such as "1=host:7001,2=host:7002".
// The members come in ascending order of their IDs.
func parseMembers(text string) ([]raft.Member, error) {
	var members []raft.Member
	for part := range strings.SplitSeq(text, ",") {
		number, address, ok := strings.Cut(strings.TrimSpace(part), "=")
		id, err := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil || id == 0 {
			return nil, fmt.Errorf("--initial-cluster: %q is not of the form ID=HOST:PORT with an ID from 1 on", part)
		}
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("--initial-cluster: member %d: %q is not of the form HOST:PORT", id, address)
		}
		members = append(members, raft.Member{ID: raft.NodeID(id), Address: address})
	}
	slices.SortFunc(members, func(a, b raft.Member) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(members); i++ {
		if members[i-1].ID == members[i].ID {
			return nil, fmt.Errorf("--initial-cluster: member %d is there twice", members[i].ID)
		}
	}
	return members, nil
}

// nameOf is the name of a cluster that was given none: its first members, which all
// nodes are told in the same way, in whatever order.
func nameOf(members []raft.Member) string {
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = fmt.Sprintf("%d=%s", m.ID, m.Address)
	}
	return strings.Join(parts, ",")
}

// addressOf returns the address of one of the members.
func addressOf(members []raft.Member, id raft.NodeID) (string, error) {
	for _, m := range members {
		if m.ID == id {
			return m.Address, nil
		}
	}
	return "", fmt.Errorf("--id: node %d is not in --initial-cluster %s", id, nameOf(members))
}
