// SPDX-License-Identifier: Apache-2.0

// Package demo shows a cluster at work: three nodes in one process, over TCP and with
// logs on disk, whose leader is killed under load and comes back.
//
// It is a test as much as a show. Clients speak the Redis protocol and keep a ledger of
// what became of each write. In the end everything acknowledged is looked for, once
// and once only, and the nodes' states and logs are compared.
package demo
