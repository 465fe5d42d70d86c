// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// parseMembers parses the value of a flag such as --initial-cluster, which is like "1=host:7001,2=host:7002".
// The members come in ascending order of their IDs.
func parseMembers(flag, text string) ([]raft.Member, error) {
	var members []raft.Member
	for part := range strings.SplitSeq(text, ",") {
		member, err := parseMember(part)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		members = append(members, member)
	}
	slices.SortFunc(members, func(a, b raft.Member) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(members); i++ {
		if members[i-1].ID == members[i].ID {
			return nil, fmt.Errorf("%s: member %d is there twice", flag, members[i].ID)
		}
	}
	return members, nil
}

// parseMember parses a node's ID and address, such as "1=host:7001".
func parseMember(text string) (raft.Member, error) {
	number, address, ok := strings.Cut(strings.TrimSpace(text), "=")
	id, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || id == 0 {
		return raft.Member{}, fmt.Errorf("%q is not of the form ID=HOST:PORT with an ID from 1 on", text)
	}
	if err := admin.CheckAddress(address); err != nil {
		return raft.Member{}, fmt.Errorf("member %d: %w", id, err)
	}
	return raft.Member{ID: raft.NodeID(id), Address: address}, nil
}

// parsePeerAddresses parses the values of --peer-address, which are about other nodes
// than this one.
func parsePeerAddresses(texts []string, self raft.NodeID) (map[raft.NodeID]string, error) {
	addresses := make(map[raft.NodeID]string, len(texts))
	for _, text := range texts {
		peer, err := parseMember(text)
		if err != nil {
			return nil, fmt.Errorf("--peer-address: %w", err)
		}
		if peer.ID == self {
			return nil, fmt.Errorf("--peer-address: node %d is this one; see --raft-listen for where it listens", self)
		}
		if _, twice := addresses[peer.ID]; twice {
			return nil, fmt.Errorf("--peer-address: node %d is there twice", peer.ID)
		}
		addresses[peer.ID] = peer.Address
	}
	return addresses, nil
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
