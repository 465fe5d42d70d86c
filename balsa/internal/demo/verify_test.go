// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/client"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/server"
)

// fickleGroup is a group that breaks its promises: it drops or repeats one command.
type fickleGroup struct {
	mu      sync.Mutex
	machine *kv.Machine
	index   raft.Index
	// op is the operation that is treated badly, once, and times how often it is applied.
	op    kv.Op
	times int
	done  bool
}

func (g *fickleGroup) Status() raft.Status { return raft.Status{ID: 1, Leader: 1} }

func (g *fickleGroup) ProposeBatch(_ context.Context, commands [][]byte) ([]raft.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	results := make([]raft.Result, len(commands))
	for i, command := range commands {
		var c kv.Command
		if err := c.Decode(command); err != nil {
			return nil, err
		}
		times := 1
		if c.Op == g.op && !g.done {
			times, g.done = g.times, true
		}
		results[i].Value = []byte("+OK\r\n")
		for range times {
			g.index++
			results[i].Value = g.machine.Apply([]raft.Entry{{Index: g.index, Data: command}})[0]
		}
	}
	return results, nil
}

// TestVerifyFindsWhatIsWrong checks the checker.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	tests := []struct {
		name             string
		op               kv.Op
		times            int
		lost, duplicated int
	}{
		{"nothing", kv.OpGet, 1, 0, 0},
		{"a SET is lost", kv.OpSet, 0, 1, 0},
		{"an APPEND is lost", kv.OpAppend, 0, 1, 0},
		{"an APPEND is applied twice", kv.OpAppend, 2, 0, 1},
		{"an INCR is applied twice", kv.OpIncrBy, 2, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			g := &fickleGroup{machine: kv.NewMachine(), op: test.op, times: test.times}
			s := server.Start(ln, server.Config{Group: g, Logger: slog.New(slog.DiscardHandler)})
			defer s.Kill()
			l := &load{addresses: []string{ln.Addr().String()}, pulse: newPulse()}
			w := writer{load: l, id: 0, ledger: &l.ledgers[0]}
			for range 5 {
				if !w.connect() || !w.exchange() {
					t.Fatal("no answer")
				}
			}
			w.disconnect()
			found, err := l.verify(ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if found.acknowledged != 5*pipelineLength || found.lost != test.lost || found.duplicated != test.duplicated {
				t.Errorf("found %+v, want %d lost and %d duplicated of %d", found, test.lost, test.duplicated, 5*pipelineLength)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		what                    outcome
		times, lost, duplicated int
	}{
		{acknowledged, 0, 1, 0}, {acknowledged, 1, 0, 0}, {acknowledged, 3, 0, 2},
		{unknown, 0, 0, 0}, {unknown, 1, 0, 0}, {unknown, 2, 0, 1},
		{refused, 0, 0, 0}, {refused, 1, 0, 1},
	}
	for _, test := range tests {
		var found tally
		found.judge(test.what, test.times)
		if found.lost != test.lost || found.duplicated != test.duplicated {
			t.Errorf("outcome %d, %d times: %+v, want %d lost, %d duplicated", test.what, test.times, found, test.lost, test.duplicated)
		}
	}
}

func TestLedgerGoesByTheFirstWord(t *testing.T) {
	var l ledger
	one := l.next(set)
	for text, want := range map[string]outcome{
		"TRYAGAIN not applied: no leader": refused,
		"CLUSTERDOWN node is stopping":    refused,
		"UNKNOWN outcome unknown":         unknown,
		"ERR odd":                         unknown,
	} {
		if got := l.noteReply(one, client.Reply{Kind: client.KindError, Text: text}); got != want || l.sets[0] != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if l.complaint != "ERR odd" {
		t.Errorf("complaint %q", l.complaint)
	}
	count := l.next(incr)
	for _, n := range []string{"1", "2", "2"} {
		l.noteReply(count, client.Reply{Kind: client.KindInteger, Text: n})
	}
	if l.wrong != 1 || !strings.Contains(l.complaint, "INCR returned :2 after 2") {
		t.Errorf("%d wrong answers, complaint %q", l.wrong, l.complaint)
	}
}
