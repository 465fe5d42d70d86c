module github.com/balsa-raft/raft

go 1.26
