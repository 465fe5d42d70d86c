module github.com/balsa-raft/raft/balsa

go 1.26

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/balsa-raft/raft v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/tidwall/btree v1.8.1
	github.com/tidwall/redcon v1.6.4
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tidwall/match v1.1.1 // indirect
)

replace github.com/balsa-raft/raft => ../
