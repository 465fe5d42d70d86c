// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keysOf counts those keys that were acknowledged and that a node answers for.
func (w *pusher) keysOf(p *process) int {
	found := 0
	for _, n := range w.acknowledged {
		if p.do("GET", fmt.Sprint("key", n)) == fmt.Sprint(n) {
			found++
		}
	}
	return found
}

// orphan starts three nodes, writes, and returns one that is left alone, with what was acknowledged.
func orphan(t *testing.T) (*fleet, *pusher, *process) {
	f := startFleet(t, 300*time.Millisecond)
	w := &pusher{all: f.all}
	w.push(t, 40)
	awaitSameApplied(t, f.all)
	for _, p := range f.all[1:] {
		p.kill()
	}
	return f, w, f.all[0]
}

// TestRescue: two of three nodes are destroyed. The third says that it has no quorum; balsa recover,
// after a dry run, makes it serve again, with everything it had; then there are two nodes again.
func TestRescue(t *testing.T) {
	f, w, left := orphan(t)
	for _, p := range f.all[1:] {
		if err := os.RemoveAll(p.flag("--dir")); err != nil {
			t.Fatal(err)
		}
	}
	f.says("node 1 answers; 2 are needed")
	f.says("there is recover") // And what to do is said, too.
	dir := left.flag("--dir")
	members, _, _ := strings.Cut(left.flag("--initial-cluster"), ",")
	recover := []string{"recover", "--dir", dir, "--force-members", members, "--segment-bytes", "4194304"}
	if status, _, problems := f.balsa(append(recover, "--yes")...); status != 1 || !strings.Contains(problems, "folder is in use") {
		t.Fatalf("of a node that runs: %d, %s", status, problems)
	}
	left.kill()
	before := f.must("inspect", "--dir", dir)
	status, out, _ := f.balsa(recover...)
	if status != 3 || !strings.Contains(out, "MAY BE LOST") || !strings.Contains(out, "left out     voters [2 3]") {
		t.Fatalf("the dry run: %d\n%s", status, out)
	}
	if after := f.must("inspect", "--dir", dir); after != before {
		t.Fatalf("the dry run has changed\n%s to\n%s", before, after)
	}
	f.must(append(recover, "--yes")...)
	checkAuditLog(t, dir)
	f.must("verify", "--dir", dir)
	left.start()
	until(t, "it serves", func() bool { return left.do("SET", "again", "1") == "+OK" })
	if found := w.keysOf(left); found != len(w.acknowledged) {
		t.Errorf("%d keys were acknowledged, and %d are there", len(w.acknowledged), found)
	}
	addNew(t, f, left, w)
}

// checkAuditLog reads the one record that there is.
func checkAuditLog(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Time, Command, User, Host string
		Args                      []string
		KeptAs                    string `json:"kept_as"`
		Gone                      []int
		Last                      struct{ Term, Index uint64 }
		Before, After             struct{ Voters []struct{ ID int } }
	}
	if err := json.Unmarshal(bytes.TrimSpace(text), &record); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if record.Command != "recover" || record.User == "" || record.Host == "" || record.Last.Index == 0 || len(record.Gone) != 2 ||
		len(record.Before.Voters) != 3 || len(record.After.Voters) != 1 || record.Args[0] != "recover" {
		t.Errorf("the record is %s", text)
	}
	if _, err := os.Stat(filepath.Join(record.KeptAs, "identity")); err != nil {
		t.Errorf("the old folder: %v", err)
	}
}

// addNew makes a fresh node a voter beside the one that was rescued.
func addNew(t *testing.T, f *fleet, left *process, w *pusher) {
	t.Helper()
	free := addresses(t, 3)
	fresh := &process{t: t, client: free[1], admin: free[2]}
	fresh.args = []string{
		left.args[0], "serve", "--id", "4", "--dir", filepath.Join(t.TempDir(), "4"), "--join", "--cluster-name", left.flag("--initial-cluster"),
		"--raft-listen", free[0], "--client", free[1], "--admin", free[2], "--election-timeout", "300ms", "--segment-bytes", "4194304",
	}
	t.Cleanup(fresh.cleanup)
	fresh.start()
	f.must("add-voter", "4="+free[0], "--admin", left.admin)
	until(t, "the new node serves", func() bool { return fresh.do("GET", "again") == "1" })
	if found := w.keysOf(fresh); found != len(w.acknowledged) {
		t.Errorf("%d keys were acknowledged, and the new node has %d", len(w.acknowledged), found)
	}
}

// TestRescueKeepsOldNodesAway: nodes that were believed to be lost come back with their folders. Under
// a cluster name of its own the recovered node is not disturbed by them, nor they by it.
func TestRescueKeepsOldNodesAway(t *testing.T) {
	f, w, left := orphan(t)
	left.kill()
	members, _, _ := strings.Cut(left.flag("--initial-cluster"), ",")
	f.must("recover", "--dir", left.flag("--dir"), "--force-members", members, "--cluster-name", "rescued", "--segment-bytes", "4194304", "--yes")
	left.args = append(left.args, "--cluster-name", "rescued")
	left.start()
	until(t, "it serves", func() bool { return left.do("SET", "who", "new") == "+OK" })
	for _, p := range f.all[1:] {
		p.start()
	}
	until(t, "the old ones serve among themselves", func() bool { return f.all[1].do("SET", "who", "old") == "+OK" })
	for range 20 {
		if left.do("SET", "more", "1") != "+OK" || left.do("GET", "who") != "new" || f.all[2].do("GET", "who") != "old" {
			t.Fatal("the old nodes and the recovered one disturb each other")
		}
	}
	var s struct{ Term, Leader uint64 }
	if err := left.look("status", &s); err != nil || s.Leader != 1 {
		t.Errorf("the recovered node: %+v, %v", s, err)
	}
	if found := w.keysOf(left); found != len(w.acknowledged) {
		t.Errorf("%d keys were acknowledged, and %d are there", len(w.acknowledged), found)
	}
}
