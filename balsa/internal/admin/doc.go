// SPDX-License-Identifier: Apache-2.0

// Package admin serves a node's admin port over HTTP: /status tells as JSON what the
// node knows of itself and its group, /state identifies its state, so that it can be
// compared with that of other nodes, and /healthz says whether it can serve.
//
// The port has neither passwords nor encryption and tells the addresses of all members:
// it belongs on loopback or on a network that is trusted.
package admin
