module github.com/balsa-raft/raft/bench/peers/raft

go 1.26

require (
	github.com/balsa-raft/raft v0.0.0
	github.com/balsa-raft/raft/bench v0.0.0
)

replace (
	github.com/balsa-raft/raft => ../../..
	github.com/balsa-raft/raft/bench => ../..
)
