// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// look asks the node's admin port, and reads the answer into what is given, unless that is nil.
func (p *process) look(path string, into any) error {
	response, err := http.Get("http://" + p.admin + "/" + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// awaitEnd waits until the process has ended by itself.
func (p *process) awaitEnd() error {
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	timer := time.NewTimer(testTimeout)
	defer timer.Stop()
	select {
	case err := <-ended:
		p.command = nil
		return err
	case <-timer.C:
		return errors.New("it did not end")
	}
}

// flag returns the value of a flag of the process.
func (p *process) flag(name string) string { return valueOf(p.args, name) }

// fleet is the three nodes of prepare, and the command line.
type fleet struct {
	t   *testing.T
	all []*process
}

func startFleet(t *testing.T, electionTimeout time.Duration) *fleet {
	f := &fleet{t: t, all: prepare(t)}
	for _, p := range f.all {
		p.args = append(p.args, "--election-timeout", electionTimeout.String(), "--segment-bytes", "4194304")
		p.start()
	}
	f.leader()
	return f
}

// admins are the admin addresses of all nodes.
func (f *fleet) admins() string {
	var addresses []string
	for _, p := range f.all {
		addresses = append(addresses, p.admin)
	}
	return strings.Join(addresses, ",")
}

// leader waits until one of the nodes that run leads and all of them know it.
func (f *fleet) leader() *process {
	f.t.Helper()
	var leader *process
	until(f.t, "all know the leader", func() bool {
		leader = nil
		common := uint64(0)
		for _, p := range f.all {
			var s struct{ Node, Leader uint64 }
			if p.command == nil {
				continue
			}
			if p.look("status", &s) != nil || s.Leader == 0 || common != 0 && common != s.Leader {
				return false
			}
			common = s.Leader
			if s.Node == s.Leader {
				leader = p
			}
		}
		return leader != nil
	})
	return leader
}

// follower returns a node that runs and does not lead.
func (f *fleet) follower() *process {
	f.t.Helper()
	leader := f.leader()
	for _, p := range f.all {
		if p != leader && p.command != nil {
			return p
		}
	}
	f.t.Fatal("no node follows")
	return nil
}

// balsa runs a command, and returns its exit status and what it printed.
func (f *fleet) balsa(args ...string) (status int, stdout, stderr string) {
	f.t.Helper()
	var out, problems bytes.Buffer
	command := exec.Command(f.all[0].args[0], args...)
	command.Stdout, command.Stderr = &out, &problems
	var failed *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &failed) {
		f.t.Fatal(err)
	}
	f.t.Logf("balsa %s\n%s%s", strings.Join(args, " "), &out, &problems)
	return command.ProcessState.ExitCode(), out.String(), problems.String()
}

// must runs a command that is to succeed.
func (f *fleet) must(args ...string) string {
	f.t.Helper()
	status, out, problems := f.balsa(args...)
	if status != 0 {
		f.t.Fatalf("%q ended with status %d: %s", args, status, problems)
	}
	return out
}

// says waits until explain on all nodes says something.
func (f *fleet) says(what string) {
	f.t.Helper()
	last := ""
	defer func() {
		if f.t.Failed() {
			f.t.Logf("explain says\n%s", last)
		}
	}()
	until(f.t, "explain says "+what, func() bool {
		out, err := exec.Command(f.all[0].args[0], "explain", "--admin", f.admins()).Output()
		last = string(out)
		return err == nil && strings.Contains(last, what)
	})
}

// TestHandOverUnderLoad measures the longest pause that a writer sees when leadership is handed
// over, and when the leader is ended: both are to be below the election time-out.
func TestHandOverUnderLoad(t *testing.T) {
	const electionTimeout = time.Second
	f := startFleet(t, electionTimeout)
	w := newWriters(t)
	for _, p := range f.all[1:] {
		w.join(p.client)
	}
	w.begin(f.all[0].client)
	awaitWrites := func(more int) {
		target := w.report().acknowledged + more
		until(t, "writes are acknowledged", func() bool { return w.report().acknowledged >= target })
	}
	awaitWrites(300)
	w.reset()
	awaitWrites(300)
	t.Logf("without any change the longest pause of a writer was %v", w.reset())
	var before, handed struct{ Leader, Term uint64 }
	for range 3 {
		out := f.must("transfer-leader", "--admin", f.admins(), "--json")
		if err := json.Unmarshal([]byte(out), &handed); err != nil || handed.Leader == 0 || handed.Term <= before.Term || handed.Leader == before.Leader {
			t.Errorf("transfer-leader printed %s after %+v: %v", out, before, err)
		}
		before = handed
		awaitWrites(100)
	}
	checkPause(t, "transfer-leader, three times", w.reset(), electionTimeout)
	leader := f.leader()
	f.must("shutdown", "--admin", leader.admin, "--yes")
	if err := leader.awaitEnd(); err != nil {
		t.Errorf("the leader ended with %v", err)
	}
	w.leave(leader.client)
	awaitWrites(300)
	checkPause(t, "shutdown of the leader", w.reset(), electionTimeout)
	w.end()
	t.Logf("%d writes, retried: %v", w.report().acknowledged, w.report().retried)
	w.check()
}

func checkPause(t *testing.T, what string, pause, electionTimeout time.Duration) {
	t.Helper()
	t.Logf("%s: the longest pause of a writer was %v", what, pause)
	if pause >= electionTimeout {
		t.Errorf("%s: the longest pause of a writer was %v, and the election time-out is %v", what, pause, electionTimeout)
	}
}

// TestQuorumAtRisk: a change that would lose the quorum is shown by plan, and refused with the numbers.
func TestQuorumAtRisk(t *testing.T) {
	f := startFleet(t, 300*time.Millisecond)
	gone := f.follower()
	gone.kill()
	other := f.follower()
	f.says("If one more voter fails, the group stops.")
	target := f.leader().flag("--id") + "," + gone.flag("--id")
	status, out, _ := f.balsa("plan", "--admin", f.admins(), "--target", target)
	if status != 1 || !strings.Contains(out, "no quorum") || !strings.Contains(out, "refused (quorum_at_risk): Of the voters") ||
		!strings.Contains(out, "answers; 2 are needed.") {
		t.Errorf("plan ended with status %d and printed\n%s", status, out)
	}
	status, _, problems := f.balsa("remove", other.flag("--id"), "--admin", f.admins(), "--yes")
	if status != 1 || !strings.Contains(problems, "answers; 2 are needed.") {
		t.Errorf("remove ended with status %d and said %q", status, problems)
	}
	if got := f.must("remove", gone.flag("--id"), "--admin", f.admins(), "--yes"); !strings.HasPrefix(got, "done: voters ") {
		t.Errorf("to remove the one that is gone printed %q", got)
	}
}

// TestWipedNode: a node that comes back under its ID with an empty folder does not vote, explain
// says so and what to do, and that helps.
func TestWipedNode(t *testing.T) {
	f := startFleet(t, 300*time.Millisecond)
	wiped := f.follower()
	id := wiped.flag("--id")
	wiped.kill()
	if err := os.RemoveAll(wiped.flag("--dir")); err != nil {
		t.Fatal(err)
	}
	wiped.start()
	f.says("Node " + id + " is a voter, but its data folder is not the one that it became a voter with")
	f.says("remove " + id + ", then add-voter " + id)
	if out := f.must("members", "--admin", f.admins()); strings.Count(out, "lost") != 1 {
		t.Errorf("members printed\n%s", out)
	}

	leader := f.leader()
	leader.kill()
	f.says("as far as node " + id + " knows. Node " + id + " does not stand for election")
	f.says("though enough voters answer") // The third cannot know which of the two would not vote.
	leader.start()
	f.leader()
	address := memberAddress(t, wiped)
	f.must("remove", id, "--admin", f.admins(), "--yes")
	f.must("add-voter", id+"="+address, "--admin", f.admins())
	f.leader()
	if out := f.must("members", "--admin", f.admins()); strings.Contains(out, "lost") {
		t.Errorf("members printed\n%s", out)
	}
	leader = f.leader()
	leader.kill()
	f.leader() // Of the other two, one of which was wiped.
}

// memberAddress returns a node's own address among the first members.
func memberAddress(t *testing.T, p *process) string {
	t.Helper()
	for member := range strings.SplitSeq(p.flag("--initial-cluster"), ",") {
		if address, ok := strings.CutPrefix(member, p.flag("--id")+"="); ok {
			return address
		}
	}
	t.Fatalf("node %s is not among the first members", p.flag("--id"))
	return ""
}

// TestTwoOfThreeDestroyed: the survivor says in words what is wrong.
func TestTwoOfThreeDestroyed(t *testing.T) {
	f := startFleet(t, 300*time.Millisecond)
	survivor := f.all[0]
	for _, p := range f.all[1:] {
		p.kill()
	}
	f.all = f.all[:1]
	f.says("Of the voters 1, 2 and 3, node 1 answers; 2 are needed.")
	out := f.must("explain", "--admin", survivor.admin)
	for _, word := range []string{"There has been no leader for", "Node 2", "node 3", "recover"} {
		if !strings.Contains(out, word) {
			t.Errorf("explain does not say %q", word)
		}
	}
}

// TestDrainAndInitialize: a cluster that is formed by hand, of nodes that wait; and one of them that is not to lead.
func TestDrainAndInitialize(t *testing.T) {
	f := &fleet{t: t, all: prepare(t)}
	members := f.all[0].flag("--initial-cluster")
	for _, p := range f.all {
		p.args = append(p.args, "--join", "--segment-bytes", "4194304")
		p.start()
	}
	f.says("a member of no group")
	until(t, "all admin ports answer", func() bool {
		for _, p := range f.all {
			if p.look("status", nil) != nil {
				return false
			}
		}
		return true
	})
	f.must("initialize", "--members", members, "--admin", f.all[0].admin)
	leader := f.leader()
	f.must("drain", "--admin", leader.admin)
	until(t, "another node leads", func() bool { return f.leader() != leader })
	f.says("was told not to lead")
	status, _, problems := f.balsa("transfer-leader", leader.flag("--id"), "--admin", f.admins())
	if status == 0 || f.leader() == leader {
		t.Errorf("to hand over to who is drained: status %d, %q", status, problems)
	}
	f.must("undrain", "--admin", leader.admin)
	f.must("transfer-leader", leader.flag("--id"), "--admin", f.admins())
	if f.leader() != leader {
		t.Error("the node that was asked for does not lead")
	}
	if got := f.all[0].do("SET", "a", "1"); got != "+OK" {
		t.Errorf("SET: %s", got)
	}
	f.must("snapshot", "--admin", f.all[0].admin)
	f.must("compact", "--admin", f.all[0].admin)
	until(t, "the log is shorter", func() bool {
		var s struct {
			First    uint64 `json:"first_index"`
			Snapshot uint64 `json:"snapshot_index"`
		}
		return f.all[0].look("status", &s) == nil && s.Snapshot > 0 && s.First == s.Snapshot+1
	})
	f.must("reload", "--admin", f.all[0].admin, "--log-level", "debug", "--snapshot-rate", "1000000")
	f.must("trigger-election", "--admin", f.all[0].admin)
}
