// SPDX-License-Identifier: Apache-2.0

// Package chaos puts real balsa processes under stress and judges what their clients
// saw. It is support for tests; no part of the server imports it.
//
// A Cluster is processes whose messages to each other pass through a Mesh of proxies,
// one Link for each directed pair. A Plan is a schedule of faults drawn from a seed,
// which a Nemesis carries out: kill -9, pauses, restarts, cuts and worse. Meanwhile
// a Load writes and reads, and keeps a History: when each operation was invoked and
// answered, and what was said about its outcome.
//
// The history is judged twice. CheckLinearizable trusts nothing but what the clients
// saw, and asks for an order of the operations that explains it. A Witness is the
// committed log, read from the nodes' folders: every operation must stand there as
// often as the answer to it allows, in an order that agrees with real time, and with
// the result that the client was given.
package chaos
