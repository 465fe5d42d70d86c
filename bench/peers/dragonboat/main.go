// SPDX-License-Identifier: Apache-2.0

// Command dragonboat measures github.com/lni/dragonboat/v4 with its tan log.
package main

import (
	"github.com/lni/dragonboat/v4/logger"

	"github.com/balsa-raft/raft/bench/load"
)

func main() {
	for _, name := range []string{
		"raft", "rsm", "transport", "dragonboat", "logdb", "tan", "grpc", "config", "settings", "raftpb", "server", "order", "utils",
	} {
		logger.GetLogger(name).SetLevel(logger.CRITICAL)
	}
	load.Main(load.Peer{
		Name:    "dragonboat",
		Modules: []string{"github.com/lni/dragonboat/v4"},
		Open:    open,
	})
}
