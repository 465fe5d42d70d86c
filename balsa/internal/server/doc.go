// SPDX-License-Identifier: Apache-2.0

// Package server serves the Redis protocol to clients. It answers what concerns
// the connection or the node by itself and proposes everything that concerns keys
// to the Raft group, reads included.
//
// All commands that a client has sent when its turn comes are proposed as one batch,
// so a pipeline costs one round of consensus. Commands of one connection take
// effect in the order they were sent, and their replies come in that order.
//
// A reply that begins with TRYAGAIN or CLUSTERDOWN says that the command was surely
// not applied; one that begins with UNKNOWN, that it may have been or may still be.
package server
