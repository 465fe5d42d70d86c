module github.com/balsa-raft/raft/bench

go 1.26
