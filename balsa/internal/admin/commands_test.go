// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// trio is the status of a leader of three, of whom one has another disk than it had.
var trio = raft.Status{
	ID: 1, Role: raft.RoleLeader, Leader: 1, Term: 3, LastIndex: 10, DurableIndex: 10, MembershipIndex: 7, CommittedMembershipIndex: 7,
	ElectionTimeout: time.Second,
	Membership: raft.Membership{
		Voters: []raft.NodeID{1, 2}, Learners: []raft.NodeID{3}, TargetVoters: []raft.NodeID{1, 2, 3},
		Members: []raft.Member{{ID: 1, Address: "a:1", Incarnation: 0xabc}, {ID: 2, Address: "b:2", Incarnation: 2}, {ID: 3, Address: "c:3"}},
	},
	Peers: []raft.PeerStatus{
		{ID: 2, State: "replicate", MatchIndex: 10, Silence: 5 * time.Millisecond, LostDisk: true},
		{ID: 3, State: "snapshot", MatchIndex: 4, Silence: 2 * time.Second},
	},
}

// ask sends a request to a handler and returns the status and what was answered.
func ask(handler http.Handler, method, target, body string) (int, string) {
	r := httptest.NewRequest(method, "http://127.0.0.1:8001"+target, strings.NewReader(body))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestCommands(t *testing.T) {
	tests := []struct{ path, body, call string }{
		{"/initialize", `{"members":[{"id":1,"address":"a:1"}]}`, "Initialize 1=a:1"},
		{"/change", `{"voters":[{"id":1},{"id":9,"address":"i:9"}],"learners":[{"id":3}],"if_index":7,"force":true}`,
			"ChangeMembership 1=a:1,9=i:9 3=c:3 7 true"},
		{"/add-learner", `{"id":9,"address":"i:9"}`, "AddLearner 9=i:9"},
		{"/add-voter?timeout=1m", `{"id":9,"address":"i:9"}`, "AddVoter 9=i:9"},
		{"/promote", `{"id":3}`, "Promote 3"},
		{"/demote", `{"id":2}`, "Demote 2"},
		{"/remove", `{"id":2}`, "Remove 2"},
		{"/replace", `{"id":2,"by":{"id":9,"address":"i:9"}}`, "Replace 2 9=i:9"},
		{"/update-address", `{"id":2,"address":"z:2"}`, "UpdateAddress 2 z:2"},
		{"/set-priority", `{"id":2,"priority":7}`, "SetPriority 2 7"},
		{"/transfer-leader", `{"id":2}`, "TransferLeadership 2"},
		{"/step-down", "", "TransferLeadership 0"},
		{"/drain", "", "Drain"},
		{"/undrain", "{}", "Undrain"},
		{"/trigger-election", "", "Campaign"},
		{"/snapshot", "", "Snapshot"},
		{"/compact", "", "Compact"},
		{"/shutdown", "", "shutdown"},
		{"/reload", `{"log_level":"debug"}`, "reload debug"},
	}
	for _, test := range tests {
		cfg := config(trio)
		code, body := ask(Handler(cfg), "POST", test.path, test.body)
		if calls := cfg.Group.(*stub).calls; code != http.StatusOK || !slices.Equal(calls, []string{test.call}) {
			t.Errorf("%s %s: %d %s, and %q was called; want %q", test.path, test.body, code, body, calls, test.call)
		}
		if code, _ := ask(Handler(cfg), "GET", test.path, ""); code != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", test.path, code)
		}
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct{ path, body string }{
		{"/remove", `{"id":"2"}`},
		{"/remove", `{"id":2,"ID2":1}`},
		{"/remove", `{"id":2} {"id":3}`},
		{"/remove", `{"id":2}}`},
		{"/remove", `{"id":2} nonsense`},
		{"/remove", `{"id":-1}`},
		{"/remove", `nonsense`},
		{"/remove", ``},
		{"/promote", `{}`},
		{"/demote", `null`},
		{"/replace", `{"by":{"id":9,"address":"i:9"}}`},
		{"/remove?timeuot=1s", `{"id":2}`},
		{"/remove?timeout=1s&timeout=2s", `{"id":2}`},
		{"/remove", `{"id":` + strings.Repeat("1", bodyBytesMax)},
		{"/remove?timeout=tomorrow", `{"id":2}`},
		{"/remove?timeout=2h", `{"id":2}`},
		{"/remove?timeout=-1s", `{"id":2}`},
		{"/add-voter", `{"id":9}`},
		{"/add-voter", `{"address":"i:9"}`},
		{"/replace", `{"id":2}`},
		{"/add-voter", `{"id":9,"address":"nonsense"}`},
		{"/add-learner", `{"id":9,"address":"i:99999"}`},
		{"/update-address", `{"id":2,"address":"i:0"}`},
		{"/initialize", ``},
		{"/initialize", `{"members":[{"id":1}]}`},
		{"/initialize", `{"members":[{"id":2,"address":"b:2"}]}`},
		{"/initialize", `{"members":[{"id":1,"address":"a:1"},{"id":1,"address":"b:1"}]}`},
		{"/change", `{}`},
		{"/change", `{"voters":[{"id":1},{"id":1}]}`},
		{"/change", `{"voters":[{"id":1}],"learners":[{"id":1}]}`},
		{"/change", `{"voters":[{"id":1,"address":"nonsense"}]}`},
		{"/reload", `{}`},
		{"/set-priority", `{"priority":1}`},
		{"/set-priority", `{"id":2,"priority":256}`},
		{"/change", `{"voters":[{"id":9}]}`},
		{"/reload", `{"log_level":"loud"}`},
	}
	for _, test := range tests {
		cfg := config(trio)
		code, body := ask(Handler(cfg), "POST", test.path, test.body)
		if calls := cfg.Group.(*stub).calls; code != http.StatusBadRequest || codeOf(t, body) != CodeMalformed || len(calls) != 0 {
			t.Errorf("%s %.60s: %d %s, and %q was called", test.path, test.body, code, body, calls)
		}
	}
	for _, path := range []string{"/plan?voters=x", "/plan?voters=1&if_index=x", "/plan?voters=9", "/plan?voters=1&learners=0",
		"/plan", "/plan?voters=1,1", "/plan?voters=1&voterz=2", "/plan?voters=1&force=maybe", "/plan?voters=9=nonsense"} {
		if code, body := ask(Handler(config(trio)), "GET", path, ""); code != http.StatusBadRequest || codeOf(t, body) != CodeMalformed {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// codeOf returns the code of an answer that is an error.
func codeOf(t *testing.T, body string) string {
	t.Helper()
	var answer struct{ Error *Error }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error == nil {
		t.Fatalf("%s is no error: %v", body, err)
	}
	return answer.Error.Code
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		err  error
		code string
		http int
	}{
		{raft.ErrChangeNotLeader, CodeNotLeader, http.StatusMisdirectedRequest},
		{raft.ErrChangeOutdated, CodeOutdated, http.StatusPreconditionFailed},
		{raft.ErrChangeUnderWay, CodeUnderWay, http.StatusConflict},
		{raft.ErrChangeTooEarly, CodeTooEarly, http.StatusServiceUnavailable},
		{raft.ErrQuorumAtRisk, CodeQuorumAtRisk, http.StatusConflict},
		{fmt.Errorf("%w: %w", raft.ErrChangeRefused, raft.ErrNotMember), CodeNotMember, http.StatusNotFound},
		{raft.ErrChangeRefused, CodeRefused, http.StatusBadRequest},
		{raft.ErrChangeSuperseded, CodeSuperseded, http.StatusConflict},
		{raft.ErrStopped, CodeStopped, http.StatusServiceUnavailable},
		{context.DeadlineExceeded, CodeTimeout, http.StatusGatewayTimeout},
		{errors.New("something else"), CodeFailed, http.StatusServiceUnavailable},
	}
	for _, test := range tests {
		cfg := config(trio)
		cfg.Group.(*stub).err = test.err
		code, body := ask(Handler(cfg), "POST", "/remove", `{"id":2}`)
		if code != test.http || codeOf(t, body) != test.code || !strings.Contains(body, `"leader": 1`) || strings.Contains(body, "raft: ") {
			t.Errorf("%v: %d %s", test.err, code, body)
		}
	}
}

// TestOnlyTheLeader: another node than the leader may be behind, or have been left out, so it says nothing
// about members, not even that somebody is none.
func TestOnlyTheLeader(t *testing.T) {
	tests := []struct{ method, path, body string }{
		{"POST", "/add-learner", `{"id":9,"address":"i:9"}`}, {"POST", "/add-voter", `{"id":9,"address":"i:9"}`},
		{"POST", "/promote", `{"id":9}`}, {"POST", "/demote", `{"id":9}`}, {"POST", "/remove", `{"id":9}`},
		{"POST", "/replace", `{"id":9,"by":{"id":8,"address":"i:8"}}`}, {"POST", "/update-address", `{"id":9,"address":"i:9"}`},
		{"POST", "/set-priority", `{"id":9,"priority":1}`},
		{"POST", "/change", `{"voters":[{"id":1}]}`}, {"GET", "/plan?voters=1", ""},
		{"POST", "/transfer-leader", ""}, {"POST", "/transfer-leader", `{"id":9}`}, {"POST", "/step-down", ""},
	}
	for _, test := range tests {
		cfg := config(raft.Status{ID: 1, Leader: 2})
		cfg.Group.(*stub).err = raft.ErrNotMember
		code, body := ask(Handler(cfg), test.method, test.path, test.body)
		if calls := cfg.Group.(*stub).calls; code != http.StatusMisdirectedRequest || codeOf(t, body) != CodeNotLeader || len(calls) != 0 {
			t.Errorf("%s %s: %d %s, and %q was called", test.path, test.body, code, body, calls)
		}
	}
}

// TestTransferTo: who cannot take over is said to be so, and who leads already need not.
func TestTransferTo(t *testing.T) {
	tests := []struct {
		id     raft.NodeID
		failed error
		status int
		code   string
		says   string
	}{
		{1, raft.ErrTransferFailed, http.StatusOK, "", `"leader": 1`},
		{9, nil, http.StatusNotFound, CodeNotMember, "node 9"},
		{3, nil, http.StatusBadRequest, CodeRefused, "node 3 is a learner"},
		{2, raft.ErrTransferFailed, http.StatusConflict, CodeNotHandedOver, "node 2 has not answered for 5s"},
		{0, raft.ErrTransferFailed, http.StatusConflict, CodeNotHandedOver, "leadership was not handed over"},
	}
	for _, test := range tests {
		status := trio
		status.Peers = []raft.PeerStatus{{ID: 2, Silence: 5 * time.Second}}
		cfg := config(status)
		cfg.Group.(*stub).err = test.failed
		code, body := ask(Handler(cfg), "POST", "/transfer-leader", fmt.Sprintf(`{"id":%d}`, test.id))
		if code != test.status || !strings.Contains(body, test.says) || test.code != "" && codeOf(t, body) != test.code {
			t.Errorf("to node %d: %d %s", test.id, code, body)
		}
	}
}

// TestChangeGoesOn: who waits for a change no longer is told that it goes on.
func TestChangeGoesOn(t *testing.T) {
	cfg := config(trio)
	cfg.Group.(*stub).waits = true
	code, body := ask(Handler(cfg), "POST", "/remove?timeout=1ms", `{"id":2}`)
	if code != http.StatusAccepted || !strings.Contains(body, `"state": "under_way"`) {
		t.Errorf("%d %s", code, body)
	}
}

// TestCloseDoesNotWaitForChanges: a node ends although somebody waits for a change.
func TestCloseDoesNotWaitForChanges(t *testing.T) {
	cfg := config(trio)
	group := cfg.Group.(*stub)
	group.waits, group.began = true, make(chan struct{}, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Start(ln, cfg)
	client := Client{Addresses: []string{s.Addr().String()}}
	answered := make(chan Answer, 1)
	go func() {
		answer, err := client.Command(context.Background(), client.Addresses[0], "remove?timeout=30m", NodeRequest{ID: 2})
		if err != nil {
			t.Errorf("the answer: %v", err)
		}
		answered <- answer
	}()
	<-group.began
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if answer := <-answered; answer.Status != http.StatusAccepted {
		t.Errorf("the answer is %d %s", answer.Status, answer.Text)
	}
}

func TestMembers(t *testing.T) {
	code, body := ask(Handler(config(trio)), "GET", "/members", "")
	var got Members
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	text := ""
	for _, m := range got.Members {
		text += fmt.Sprintf("%d %s %s %v %s %s %d %d %.0f %v %v\n", m.ID, m.Address, m.Role, m.Leads, m.Incarnation, *m.State, *m.Match, *m.Lag, *m.Silence, *m.CaughtUp, *m.LostDisk)
	}
	const want = "1 a:1 voter true 0000000000000abc leader 10 0 0 true false\n" +
		"2 b:2 voter false 0000000000000002 replicate 10 0 5 true true\n" +
		"3 c:3 joining false  snapshot 4 6 2000 false false\n"
	if text != want || got.Index != 7 || !got.Committed || !got.Changing || got.Leader != 1 {
		t.Errorf("got %+v\n%s\nwant\n%s", got, text, want)
	}
	follower := trio
	follower.Role, follower.Peers = raft.RoleFollower, nil
	if _, body := ask(Handler(config(follower)), "GET", "/members", ""); strings.Count(body, `"lag": null`) != 3 {
		t.Errorf("a follower says %s", body)
	}
}

func TestPlanAndExplain(t *testing.T) {
	cfg := config(trio)
	code, body := ask(Handler(cfg), "GET", "/plan?voters=1,2,9%3Di:9&learners=3&if_index=7&force=true", "")
	const call = "PlanMembership 1=a:1,2=b:2,9=i:9 3=c:3 7 true"
	if calls := cfg.Group.(*stub).calls; code != http.StatusOK || !slices.Equal(calls, []string{call}) {
		t.Errorf("%d %s, and %q was called", code, body, calls)
	}
	var plan Plan
	if err := json.Unmarshal([]byte(body), &plan); err != nil || plan.Refusal != CodeQuorumAtRisk || plan.Index != 7 ||
		plan.Steps[0].Tolerates != -1 || plan.CatchUp[0] != (PlanCatchUp{ID: 4, Lag: 3}) || !slices.Equal(plan.Reasons, []string{"too few"}) {
		t.Errorf("%s: %v", body, err)
	}
	request := TargetRequest{Voters: []Member{{ID: 1}, {ID: 9, Address: "i:9"}}, Learners: []Member{{ID: 3}}, IfIndex: 7, Force: true}
	if again, err := planRequest(parsed(t, request.Query())); err != nil || fmt.Sprint(again) != fmt.Sprint(request) {
		t.Errorf("%+v becomes %+v, %v", request, again, err)
	}
	if code, body := ask(Handler(cfg), "GET", "/explain", ""); code != http.StatusOK || !strings.Contains(body, `"code": "lost_disk"`) {
		t.Errorf("explain: %d %s", code, body)
	}
}

func parsed(t *testing.T, query string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestGuard(t *testing.T) {
	tests := []struct {
		name, token, host, origin, authorization string
		code                                     int
	}{
		{"loopback", "", "127.0.0.1:8001", "", "", http.StatusOK},
		{"loopback of IPv6", "", "[::1]:8001", "", "", http.StatusOK},
		{"localhost", "", "localhost:8001", "", "", http.StatusOK},
		{"a page that has made its name mean loopback", "", "evil.example:8001", "", "", http.StatusForbidden},
		{"a page of another origin", "", "127.0.0.1:8001", "http://evil.example", "", http.StatusForbidden},
		{"no token", "secret", "node1:8001", "", "", http.StatusUnauthorized},
		{"another token", "secret", "node1:8001", "", "Bearer public", http.StatusUnauthorized},
		{"a prefix of the token", "secret", "node1:8001", "", "Bearer secre", http.StatusUnauthorized},
		{"no bearer", "secret", "node1:8001", "", "secret", http.StatusUnauthorized},
		{"the token", "secret", "node1:8001", "", "Bearer secret", http.StatusOK},
	}
	for _, test := range tests {
		cfg := config(trio)
		cfg.Token = test.token
		r := httptest.NewRequest("POST", "/drain", nil)
		r.Host = test.host
		r.Header.Set("Origin", test.origin)
		r.Header.Set("Authorization", test.authorization)
		if test.origin == "" {
			r.Header.Del("Origin")
		}
		w := httptest.NewRecorder()
		Handler(cfg).ServeHTTP(w, r)
		if called := len(cfg.Group.(*stub).calls) > 0; w.Code != test.code || called != (test.code == http.StatusOK) {
			t.Errorf("%s: %d %s, called: %v", test.name, w.Code, w.Body, called)
		}
	}
}

func TestCheckOpen(t *testing.T) {
	for _, test := range []struct {
		ip, token string
		open      bool
	}{{"127.0.0.1", "", false}, {"::1", "", false}, {"0.0.0.0", "", true}, {"::", "", true}, {"10.0.0.1", "", true}, {"10.0.0.1", "x", false}} {
		err := CheckOpen(&net.TCPAddr{IP: net.ParseIP(test.ip), Port: 1}, test.token != "")
		if errors.Is(err, ErrOpen) != test.open {
			t.Errorf("%s with token %q: %v", test.ip, test.token, err)
		}
	}
}
