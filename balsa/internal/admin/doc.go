// SPDX-License-Identifier: Apache-2.0

// Package admin serves a node's admin port over HTTP: /status tells as JSON what the
// node knows of itself and its group, /state identifies its state, so that it can be
// compared with that of other nodes, and /healthz says whether it can serve. POST /snapshot
// takes a snapshot, /backup answers with a backup of the group, and /dump with the node's
// state for people.
//
// The port has neither passwords nor encryption and tells the addresses of all members and
// all that the group holds:
// it belongs on loopback or on a network that is trusted.
package admin
