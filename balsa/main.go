// SPDX-License-Identifier: Apache-2.0

// Balsa is a replicated key-value server that speaks the Redis protocol. See
// docs/balsa.md.
package main

import (
	"os"

	"github.com/balsa-raft/raft/balsa/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
