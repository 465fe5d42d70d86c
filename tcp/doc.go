// SPDX-License-Identifier: Apache-2.0

// Package tcp carries messages between the nodes of a cluster over TCP, in plain
// or with mutual TLS 1.3. Its Transport satisfies the Transport interface of
// package raft.
//
// Each node dials each of its peers and sends on the connection that it dialled;
// what comes back arrives on the connection that the peer dialled. A connection
// begins with a handshake of fixed size, one hello each way, which says protocol
// version, lane, cluster, node and incarnation. Nodes of another cluster, of a version
// that isn't known, or other than the expected one are refused, and both sides log
// why: once for each change of the reason, not for each attempt. A peer that can't be
// reached is a warning after five seconds only: it may be about to start.
//
// Bulk messages, see wire.IsBulk, have a lane of their own: a second connection, a
// second queue and a second writer, so that no heartbeat and no entry waits behind
// them. It is made when there is something to send on it and ends when there was nothing
// for BulkIdleTimeout. When it breaks, what was on it is lost, and nobody is told:
// who wants something in bulk asks again. A node has at most one incoming
// connection for each lane of a peer; a newer one takes the place of the older.
//
// After the handshake the connection carries frames: length, CRC-32C, and a body
// of one or more envelopes of package wire. Everything that waits for a peer leaves
// in one frame and one write. Whatever doesn't decode ends the connection.
//
// While there is no connection, messages are refused, not kept: Raft sends anew
// what it needs when the peer is back. Bulk messages are kept while their connection is
// being made. What waited when a connection broke is lost.
//
// Without TLS anyone who reaches the port and knows the cluster's ID can speak as
// any node. With TLS nothing is read before the certificate was verified, and a
// certificate is good for the node it names only; see TLSOptions.
//
// One goroutine accepts, one reads each incoming connection, and for each lane of a peer
// one dials and writes and, while connected, another waits for the connection's end.
// Close ends and awaits them all.
package tcp
