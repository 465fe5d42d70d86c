// SPDX-License-Identifier: Apache-2.0

// Package node assembles one balsa node: its log on disk, its transport, its replica
// of the group, the state machine, and the ports for clients and for administration.
//
// Listen takes hold of everything that another process could hold, the folder and the
// ports, and so finds out whether the node can run. Start makes it a member.
package node
