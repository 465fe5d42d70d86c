// SPDX-License-Identifier: Apache-2.0

// Package admin serves a node's admin port over HTTP, and is its client. docs/admin.md lists
// the commands; each has the same name here, on the command line and, but for the case of the
// letters, in package raft. What only looks is a GET, what changes something a POST with JSON.
//
// On loopback, who may connect may do everything: all that the group holds can be read, and the
// group be taken apart. Everywhere else a token or mutual TLS is needed. Without TLS the token and
// all else can be read on the way.
package admin
