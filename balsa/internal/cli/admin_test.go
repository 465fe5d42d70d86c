// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// fake is a node's admin port that answers what it is told to, and records what it is asked; but who looks for
// the leader among several commands is told who that is, and not recorded.
type fake struct {
	*httptest.Server
	asked  []string
	status int
	answer string
	// itself is the answer to /status, if that is another one.
	itself string
}

const (
	leads   = `{"node":1,"leader":1,"role":"leader","term":2}`
	follows = `{"node":1,"leader":2,"role":"follower","term":2}`
)

func startFake(t *testing.T, status int, answer string) *fake {
	f := &fake{status: status, answer: answer, itself: leads}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/status" && f.itself != "" {
			_, _ = io.WriteString(w, f.itself) // Whether it arrived shows in the test.
			return
		}
		body, _ := io.ReadAll(r.Body) // What is missing of it shows in the test.
		f.asked = append(f.asked, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, f.answer) // Whether it arrived shows in the test.
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) address() string { return f.Listener.Addr().String() }

const done = `{"state":"done","membership":{"voters":[1,2],"learners":[3]}}`

// TestAdminCommandLine checks what each command sends, and what it makes of the answer.
func TestAdminCommandLine(t *testing.T) {
	tests := []struct{ line, answer, asked, printed string }{
		{"add-learner 3=c:3", done, `POST /add-learner?timeout=30s {"id":3,"address":"c:3"}`, "done: voters 1,2, learners 3\n"},
		{"add-voter 3=c:3 --timeout 2m", done, `POST /add-voter?timeout=2m0s {"id":3,"address":"c:3"}`, "done: voters 1,2, learners 3\n"},
		{"promote 3", done, `POST /promote?timeout=30s {"id":3}`, ""},
		{"demote 3 --yes", done, `POST /demote?timeout=30s {"id":3}`, ""},
		{"remove 3 --yes", done, `POST /remove?timeout=30s {"id":3}`, ""},
		{"replace 3 4=d:4 --yes", done, `POST /replace?timeout=30s {"id":3,"by":{"id":4,"address":"d:4"}}`, ""},
		{"update-address 3=c:4", done, `POST /update-address?timeout=30s {"id":3,"address":"c:4"}`, ""},
		{"change --yes --target 1,4=d:4 --learners 3 --if-index 7 --force", done,
			`POST /change?timeout=30s {"voters":[{"id":1,"address":""},{"id":4,"address":"d:4"}],"learners":[{"id":3,"address":""}],"if_index":7,"force":true}`, ""},
		{"set-priority 3 7", done, `POST /set-priority?timeout=30s {"id":3,"priority":7}`, "done: voters 1,2, learners 3\n"},
		{"reload --snapshot-trailing-entries 0 --snapshot-trailing-bytes 1 --snapshot-retain-bytes 2 --pending-bytes 3", done,
			`POST /reload?timeout=30s {"snapshot_trailing_entries":0,"snapshot_trailing_bytes":1,"snapshot_retain_bytes":2,"pending_bytes":3}`, "done\n"},
		{"transfer-leader 2", `{"leader":2,"term":5,"milliseconds":1.5}`, `POST /transfer-leader?timeout=30s {"id":2}`, "node 2 leads in term 5; it took 1.5 ms\n"},
		{"transfer-leader 2", `{"leader":0,"term":5,"milliseconds":1.5}`, `POST /transfer-leader?timeout=30s {"id":2}`,
			"handed over; who leads in term 5 was not known yet after 1.5 ms\n"},
		{"transfer-leader --json", `{"leader":2}`, `POST /transfer-leader?timeout=30s {"id":0}`, `{"leader":2}`},
		{"step-down", `{"leader":2,"term":5}`, "POST /step-down?timeout=30s {}", ""},
		{"drain", done, "POST /drain?timeout=30s {}", "done\n"},
		{"undrain", done, "POST /undrain?timeout=30s {}", "done\n"},
		{"trigger-election", done, "POST /trigger-election?timeout=30s {}", "done\n"},
		{"shutdown --yes", done, "POST /shutdown?timeout=30s {}", "done\n"},
		{"initialize --members 1=a:1,2=b:2", done, `POST /initialize?timeout=30s {"members":[{"id":1,"address":"a:1"},{"id":2,"address":"b:2"}]}`, "done\n"},
		{"snapshot", `{"id":"ab","term":2,"index":5,"bytes":7}`, "POST /snapshot {}", "snapshot ab: 7 bytes, the state after entry 5 of term 2\n"},
		{"compact", `{"id":"ab","term":2,"index":5,"bytes":7}`, "POST /compact {}", ""},
		{"reload --log-level debug", done, `POST /reload?timeout=30s {"log_level":"debug"}`, "done\n"},
		{"reload --snapshot-rate 0", done, `POST /reload?timeout=30s {"snapshot_rate":0}`, "done\n"},
		{"status --json", `{"node":1}`, "GET /status", `{"node":1}`},
		{"status", `{"node":1,"removed_at":9,"drained":true,"lost_disk":true,"state_lost":true,"forming":true,"transferring":2,"failure":"it burns"}`, "GET /status",
			"removed       from the group, by the entry at index 9\n" +
				"lost disk     it does not vote, see balsa explain\n" +
				"lost state    it waits for a snapshot from the leader\n" +
				"forming       all of the first members have to answer before there is a leader\n" +
				"drained       it is not to lead, until balsa undrain\n" +
				"handing over  to node 2\nfailure       it burns\n"},
		{"members --json", `{"node":1,"leader":1}`, "GET /members", `{"node":1,"leader":1}`},
		{"plan --target 1,2", `{"index":7,"steps":[{"name":"now","quorums":[{"voters":[1,2],"answering":[1],"needs":2}],"tolerates":-1}]}`,
			"GET /plan?learners=&voters=1%2C2",
			"STEP  VOTERS  LEARNERS  DECIDES  ANSWER  MAY FAIL\nnow   1,2     -         2 of 2   1       no quorum\n" +
				"to do it on the condition that nothing changes meanwhile: --if-index 7\n"},
		{"explain", `{"node":1,"findings":[{"severity":"problem","what":"It burns.","advice":"Run."}]}`, "GET /explain", "problem: It burns.\n    -> Run.\n"},
	}
	for _, test := range tests {
		f := startFake(t, http.StatusOK, test.answer)
		if strings.HasPrefix(test.line, "status") {
			f.itself = ""
		}
		status, stdout, stderr := run(test.line + " --admin " + f.address())
		if asked := strings.Join(f.asked, "\n"); status != 0 || asked != test.asked {
			t.Errorf("%s: status %d, %q, asked %s; want %s", test.line, status, stderr, asked, test.asked)
		}
		if !strings.Contains(stdout, test.printed) {
			t.Errorf("%s printed %q, want %q", test.line, stdout, test.printed)
		}
	}
}

// TestCommandsAsk: what cannot be taken back easily is not done without a yes, and there is nobody
// to ask in a test.
func TestCommandsAsk(t *testing.T) {
	for _, line := range []string{"remove 3", "demote 3", "replace 3 4=d:4", "shutdown", "change --target 1"} {
		f := startFake(t, http.StatusOK, done)
		status, _, stderr := run(line + " --admin " + f.address())
		if status != 1 || len(f.asked) != 0 || !strings.Contains(stderr, "--yes") && !strings.Contains(stderr, "nothing was done") {
			t.Errorf("%s: status %d, %q, asked %q", line, status, stderr, f.asked)
		}
	}
}

// TestBadArguments are refused before anybody is asked.
func TestBadArguments(t *testing.T) {
	for _, line := range []string{
		"remove 0 --yes", "remove x --yes", "promote -1", "demote 1.5 --yes", "add-voter 4", "add-voter 4=nonsense", "add-learner 4=d:99999",
		"replace 3 4 --yes", "replace 0 4=d:4 --yes", "update-address 4=", "set-priority 3", "set-priority 3 256", "set-priority 3 -1", "set-priority 0 1",
		"transfer-leader 0", "transfer-leader 1 2", "plan --target 1=nonsense", "plan", "change --yes", "change --target x --yes",
		"change --target 1 --learners 0 --yes", "initialize --members 1", "reload", "reload --snapshot-rate x", "status extra", "members --timeout 1s",
	} {
		f := startFake(t, http.StatusOK, done)
		if status, _, stderr := run(line + " --admin " + f.address()); status != 1 || len(f.asked) != 0 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %q, asked %q", line, status, stderr, f.asked)
		}
	}
}

// TestConfirm answers the question.
func TestConfirm(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false} {
		cmd := serveCommand()
		cmd.SetContext(t.Context())
		cmd.SetIn(strings.NewReader(answer))
		cmd.SetErr(new(bytes.Buffer))
		var f adminFlags
		if err := f.confirm(cmd, "Really?"); (err == nil) != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestAnswersThatAreNone: what a node refuses ends with status 1 and one line, and a change that goes on with
// status 2.
func TestAnswersThatAreNone(t *testing.T) {
	tests := []struct {
		status int
		answer string
		exit   int
		says   string
	}{
		{http.StatusConflict, `{"error":{"code":"quorum_at_risk","message":"Of the voters 1 and 2, node 1 answers; 2 are needed."}}`, 1, "2 are needed"},
		{http.StatusAccepted, `{"state":"under_way"}`, exitGoesOn, "goes on"},
		{http.StatusNotFound, "404 page not found", 1, "404 page not found"},
		{http.StatusOK, "nonsense", 1, "is none"},
	}
	for _, test := range tests {
		f := startFake(t, test.status, test.answer)
		status, _, stderr := run("promote 3 --timeout 300ms --admin " + f.address())
		if status != test.exit || !strings.Contains(stderr, test.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%d %s: status %d, %q", test.status, test.answer, status, stderr)
		}
	}
}

// TestTheLeaderIsFound among several nodes, some of which are gone, and are not told to do anything.
func TestTheLeaderIsFound(t *testing.T) {
	gone := startFake(t, http.StatusOK, done)
	gone.Close()
	follower, leader := startFake(t, http.StatusOK, done), startFake(t, http.StatusOK, done)
	follower.itself = follows
	all := strings.Join([]string{gone.address(), follower.address(), leader.address()}, ",")
	if status, stdout, stderr := run("promote 3 --admin " + all); status != 0 || len(leader.asked) != 1 || len(follower.asked) != 0 {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	if status, _, stderr := run("promote 3 --timeout 200ms --admin " + gone.address() + "," + follower.address()); status != 1 || !strings.Contains(stderr, "no leader was found") {
		t.Errorf("without the leader: status %d, %q", status, stderr)
	}
	if status, _, stderr := run("promote 3 --admin " + follower.address()); status != 1 || !strings.Contains(stderr, "node 2 leads, whose admin address is not among those given") {
		t.Errorf("with a follower alone: status %d, %q", status, stderr)
	}
	if status, _, stderr := run("drain --admin " + all); status != 1 || !strings.Contains(stderr, "one node") {
		t.Errorf("drain of several nodes: status %d, %q", status, stderr)
	}
	follower.status = http.StatusServiceUnavailable
	if status, stdout, _ := run("explain --admin " + gone.address() + "," + follower.address()); status != 1 || strings.Count(stdout, "does not answer") != 2 {
		t.Errorf("explain: status %d, %q", status, stdout)
	}
}

// TestPlanOfANewLeader: that the leader is new passes, and plan waits for that; but not for another change.
func TestPlanOfANewLeader(t *testing.T) {
	const early, busy = `{"refusal":"too_early"}`, `{"refusal":"under_way","steps":[{"membership":{"target_voters":[1]}}]}`
	const settling, good = `{"refusal":"under_way","steps":[{"membership":{}}]}`, `{"index":3}`
	for _, test := range []struct {
		answers []string
		status  int
	}{{[]string{early, early, good}, 0}, {[]string{settling, good}, 0}, {[]string{busy, good}, 1}} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := leads
			if r.URL.Path != "/status" {
				answer = test.answers[asked]
				asked++
			}
			_, _ = io.WriteString(w, answer) // Whether it arrived shows below.
		}))
		status, _, stderr := run("plan --target 1 --admin " + server.Listener.Addr().String())
		if status != test.status {
			t.Errorf("%q: status %d, %q", test.answers, status, stderr)
		}
		server.Close()
	}
}

// TestTimeoutFlag: what makes no sense is not sent to anybody.
func TestTimeoutFlag(t *testing.T) {
	for _, text := range []string{"0", "-1s", "61m"} {
		for _, name := range []string{"drain", "promote 3"} {
			f := startFake(t, http.StatusOK, done)
			if status, _, stderr := run(name + " --admin " + f.address() + " --timeout " + text); status != 1 || len(f.asked) > 0 || !strings.Contains(stderr, "--timeout") {
				t.Errorf("%s --timeout %s: status %d, %q, asked %q", name, text, status, stderr, f.asked)
			}
		}
	}
}

// TestHangingNode: a command about one node does not wait for it for ever, and says what that means.
func TestHangingNode(t *testing.T) {
	cmd := serveCommand()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	cmd.SetContext(ctx)
	f := adminFlags{addresses: bound(t), timeout: time.Minute}
	_, err := f.command(cmd.Context(), "drain", admin.NoRequest{})
	if !errors.Is(err, admin.ErrUnsure) || !strings.Contains(oneLine(err), "see balsa members") {
		t.Errorf("%v", err)
	}
}

// TestConfirmInterrupted: who is asked, and interrupts that, has not said yes.
func TestConfirmInterrupted(t *testing.T) {
	silent, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd := serveCommand()
	cmd.SetContext(ctx)
	cmd.SetIn(silent)
	cmd.SetErr(new(bytes.Buffer))
	var f adminFlags
	if err := f.confirm(cmd, "Really?"); !errors.Is(err, errNothingDone) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputIsFull: an answer that could not be printed is a failure.
func TestOutputIsFull(t *testing.T) {
	f := startFake(t, http.StatusOK, `{"node":1}`)
	for _, name := range []string{"members", "status", "explain", "promote 3", "drain", "members --json"} {
		if status := Run(strings.Fields(name+" --admin "+f.address()), full{}, io.Discard); status != 1 {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

// TestToken: the token of a file is shown to the port.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	file, empty, lines := filepath.Join(dir, "token"), filepath.Join(dir, "empty"), filepath.Join(dir, "lines")
	if err := os.WriteFile(lines, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(" secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = r.Header.Get("Authorization")
		_ = json.NewEncoder(w).Encode(admin.Done{State: admin.StateDone}) // Whether it arrived shows below.
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	if status, _, stderr := run("drain --admin " + address + " --admin-token-file " + file); status != 0 || shown != "Bearer secret" {
		t.Errorf("status %d, %q, shown %q", status, stderr, shown)
	}
	for _, bad := range []string{empty, lines, filepath.Join(dir, "none")} {
		if status, _, stderr := run("drain --admin " + address + " --admin-token-file " + bad); status != 1 || !strings.Contains(stderr, "--admin-token-file") {
			t.Errorf("%s: status %d, %q", bad, status, stderr)
		}
	}
}
