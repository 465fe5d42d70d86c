// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/lni/dragonboat/v4"
	"github.com/lni/dragonboat/v4/config"
	"github.com/lni/dragonboat/v4/plugin/tan"
	"github.com/lni/dragonboat/v4/raftio"
	"github.com/lni/dragonboat/v4/statemachine"

	"github.com/balsa-raft/raft/bench/load"
)

const (
	shard = 1
	// rttMilliseconds and electionRTT make the election time-out a second, as it is
	// for the other systems.
	rttMilliseconds = 100
	electionRTT     = 10
	heartbeatRTT    = 1
	// engineShards is the number of workers of each of the engine's stages: one
	// group uses one of them.
	engineShards = 2
)

// listener passes on who leads.
type listener struct{ leaders chan<- uint64 }

// LeaderUpdated is called whenever a replica learns of another leader.
func (l listener) LeaderUpdated(info raftio.LeaderInfo) {
	select {
	case l.leaders <- info.LeaderID:
	default:
	}
}

func hostConfig(dir, address string, leaders chan<- uint64) config.NodeHostConfig {
	c := config.NodeHostConfig{
		NodeHostDir:       filepath.Clean(dir),
		RTTMillisecond:    rttMilliseconds,
		RaftAddress:       address,
		RaftEventListener: listener{leaders},
	}
	c.Expert.LogDBFactory = tan.Factory
	// The default makes tan allocate 2 GiB of buffers a host; entries that do not
	// fit one are still written.
	c.Expert.LogDB = config.GetTinyMemLogDBConfig()
	c.Expert.Engine = config.EngineConfig{
		ExecShards: engineShards, CommitShards: engineShards, ApplyShards: engineShards,
		SnapshotShards: engineShards, CloseShards: engineShards,
	}
	return c
}

// startReplica starts one replica; the members are by replica ID.
func startReplica(
	dir string, id uint64, members map[uint64]string, counter *load.Counter, leaders chan<- uint64,
) (*dragonboat.NodeHost, error) {
	host, err := dragonboat.NewNodeHost(hostConfig(dir, members[id], leaders))
	if err != nil {
		return nil, fmt.Errorf("dragonboat: start host: %w", err)
	}
	create := func(uint64, uint64) statemachine.IConcurrentStateMachine { return machine{counter} }
	err = host.StartConcurrentReplica(members, false, create, config.Config{
		ReplicaID: id, ShardID: shard, ElectionRTT: electionRTT, HeartbeatRTT: heartbeatRTT,
		CheckQuorum: true, PreVote: true,
	})
	if err != nil {
		return nil, fmt.Errorf("dragonboat: start replica: %w", err)
	}
	return host, nil
}
