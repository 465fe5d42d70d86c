# check changes no file and is what CI runs; fix is what changes files.
.PHONY: check fix test race fuzz sim soak demo bench

check:
	.ci/run

fix:
	gofmt -w .
	go mod tidy
	go -C balsa mod tidy

test:
	go test work

race:
	.ci/run race

fuzz:
	FUZZTIME=$${FUZZTIME:-1m} .ci/run fuzz

sim:
	.ci/run sim

# Real processes under faults, for as long as DURATION says.
soak:
	go -C balsa test -run '^TestChaos$$' -timeout 0 -v . -chaos.duration=$${DURATION:-1h} -chaos.seed=$${SEED:-0}

demo:
	go run ./balsa demo

bench:
	go -C bench run .
