// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	nodes = 3
	// testTimeout bounds every wait of the test.
	testTimeout = 20 * time.Second
	// lookInterval is how often a process is looked at, which cannot say by itself
	// that something has happened.
	lookInterval = 20 * time.Millisecond
)

// process is one node in a process of its own.
type process struct {
	t              *testing.T
	args           []string
	client, admin  string
	command        *exec.Cmd
	stdout, stderr bytes.Buffer
}

// built is the folder of the program, once a test has built it.
var built string

func TestMain(m *testing.M) {
	status := m.Run()
	if err := os.RemoveAll(built); built != "" && err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// build builds the program, unless another test has done so, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(built, "balsa")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if built != "" {
		return path
	}
	folder, err := os.MkdirTemp("", "balsa")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(folder, filepath.Base(path))
	args := append([]string{"build", "-o", path}, raceFlags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", errors.Join(err, os.RemoveAll(folder)), out)
	}
	built = folder
	return path
}

// Ports that a process gets are below those that systems give to outgoing connections: these, which the
// test makes many of, would take the port of a node while it is down.
const (
	portMin = 10_000
	portMax = 15_000
	// portAttemptsMax bounds the search for a free port.
	portAttemptsMax = 1000
)

// addresses returns addresses that nothing else listens on, at ports that were drawn at random,
// so that tests of several processes at the same time hardly ever meet.
func addresses(t *testing.T, count int) []string {
	t.Helper()
	var all []string
	for range portAttemptsMax {
		if len(all) == count {
			return all
		}
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", portMin+rand.IntN(portMax-portMin)))
		if err != nil {
			continue
		}
		defer ln.Close() // Only at the end, so that none comes twice.
		all = append(all, ln.Addr().String())
	}
	t.Fatalf("no %d free ports in %d attempts", count, portAttemptsMax)
	return nil
}

// prepare returns three processes that are not started yet.
func prepare(t *testing.T) []*process {
	program, free, dir := build(t), addresses(t, 3*nodes), t.TempDir()
	var members []string
	for i := range nodes {
		members = append(members, fmt.Sprintf("%d=%s", i+1, free[i]))
	}
	var all []*process
	for i := range nodes {
		p := &process{t: t, client: free[nodes+i], admin: free[2*nodes+i]}
		p.args = []string{
			program, "serve", "--id", fmt.Sprint(i + 1), "--dir", filepath.Join(dir, fmt.Sprint(i+1)),
			"--initial-cluster", strings.Join(members, ","), "--client", p.client, "--admin", p.admin,
			"--election-timeout", "300ms",
		}
		t.Cleanup(p.cleanup)
		all = append(all, p)
	}
	return all
}

func (p *process) start() {
	p.t.Helper()
	p.command = exec.Command(p.args[0], p.args[1:]...)
	p.command.Stdout, p.command.Stderr = &p.stdout, &p.stderr
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.command.Process.Kill() // It may have ended by itself, which its output tells.
	_ = p.command.Wait()         // That it was killed is no news.
	p.command = nil
}

func (p *process) cleanup() {
	if p.command != nil {
		p.kill()
	}
	if p.t.Failed() {
		p.t.Logf("%s\n%s%s", strings.Join(p.args[1:6], " "), &p.stdout, &p.stderr)
	}
}

// until waits for a condition of processes.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(testTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v until %s", testTimeout, what)
		}
	}
}

// do sends a command and returns the answer, empty if there was none.
func (p *process) do(args ...string) string {
	conn, err := client.Dial(p.client, testTimeout)
	if err != nil {
		return ""
	}
	defer conn.Close()
	reply, err := conn.Do(args...)
	if err != nil {
		return ""
	}
	return reply.String()
}

// applied returns the node's applied index, and whether it knows a leader.
func (p *process) applied() (index uint64, ok bool) {
	response, err := http.Get("http://" + p.admin + "/status")
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	var status struct {
		AppliedIndex uint64 `json:"applied_index"`
		Leader       uint64 `json:"leader"`
	}
	err = json.NewDecoder(response.Body).Decode(&status)
	return status.AppliedIndex, err == nil && status.Leader != 0
}

func awaitSameApplied(t *testing.T, all []*process) {
	t.Helper()
	until(t, "all nodes have applied the same", func() bool {
		first, ok := all[0].applied()
		for _, p := range all[1:] {
			index, knows := p.applied()
			ok = ok && knows && index == first
		}
		return ok
	})
}

// pusher writes keys one after the other, to whichever node answers.
type pusher struct {
	all          []*process
	acknowledged []int
	next         int
}

// push writes until some more keys are acknowledged.
func (w *pusher) push(t *testing.T, more int) {
	t.Helper()
	target := len(w.acknowledged) + more
	until(t, "writes are acknowledged", func() bool {
		for range more {
			n := w.next
			w.next++
			if w.all[n%nodes].do("SET", fmt.Sprint("key", n), fmt.Sprint(n)) == "+OK" {
				w.acknowledged = append(w.acknowledged, n)
			}
		}
		return len(w.acknowledged) >= target
	})
}

func (w *pusher) check(t *testing.T) {
	t.Helper()
	for i, n := range w.acknowledged {
		if got := w.all[i%nodes].do("GET", fmt.Sprint("key", n)); got != fmt.Sprint(n) {
			t.Errorf("key%d, which was acknowledged, is %q", n, got)
		}
	}
}

// TestProcesses runs three real nodes, kills each of them in turn while clients
// write, then all of them at once, and looks for everything that was acknowledged.
func TestProcesses(t *testing.T) {
	all := prepare(t)
	for _, p := range all {
		p.start()
	}
	until(t, "the cluster serves", func() bool { return all[0].do("SET", "a", "1") == "+OK" })
	for _, p := range all {
		if got := p.do("GET", "a"); got != "1" {
			t.Errorf("GET a on %s: %q", p.client, got)
		}
	}
	w := &pusher{all: all}
	for _, p := range all {
		w.push(t, 20)
		p.kill()
		w.push(t, 20)
		p.start()
		awaitSameApplied(t, all)
	}
	w.push(t, 20)
	for _, p := range all {
		p.kill()
	}
	for _, p := range all {
		p.start()
	}
	awaitSameApplied(t, all)
	w.check(t)
	checkSecondProcess(t, all[0])
	if runtime.GOOS != "windows" { // There are no signals to send there.
		checkTermination(t, all)
	}
}

// checkSecondProcess starts another process on the folder of one that runs.
func checkSecondProcess(t *testing.T, p *process) {
	t.Helper()
	out, err := exec.Command(p.args[0], append(p.args[1:], "--log-level", "error")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "folder is in use") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("a second process on the folder ended with %v and said %q", err, out)
	}
}

// checkTermination ends all nodes by SIGTERM, one after the other, with status 0.
func checkTermination(t *testing.T, all []*process) {
	t.Helper()
	for _, p := range all {
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- p.command.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		case <-time.After(testTimeout):
			t.Fatal("SIGTERM did not end the process")
		}
		p.command = nil
	}
	for _, p := range all {
		if text := p.stderr.String(); strings.Contains(text, "panic") || strings.Contains(text, "level=ERROR") {
			t.Errorf("a node said %s", text)
		}
	}
}
