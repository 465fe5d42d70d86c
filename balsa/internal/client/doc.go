// SPDX-License-Identifier: Apache-2.0

// Package client is a small client of the Redis protocol, for balsa's own demo and
// tests. It connects to one server and neither retries nor reconnects: what an
// answer that did not come means is for the caller to decide.
package client
