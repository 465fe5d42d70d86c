// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

var meta = raft.SnapshotMeta{ID: 0xabc, Last: raft.LogID{Term: 2, Index: 5}, Size: 77}

func config(status raft.Status) Config {
	group := &stub{}
	return Config{
		Group: group, Shutdown: func() { _ = group.call(context.Background(), "shutdown") },
		Reload: func(r ReloadRequest) error {
			if *r.LogLevel == "loud" {
				return errors.New("loud is no level")
			}
			return group.call(context.Background(), "reload %s", *r.LogLevel)
		},
		Status: func() raft.Status { return status }, Keys: func() int { return 42 },
		Summarize: func() kv.Summary { return kv.Summary{Applied: 6, Keys: 41, Hash: "abc"} },
		Dump:      func(w io.Writer) error { return errors.New("no dump") },
		Version:   "test", Started: time.Now(), Logger: slog.New(slog.DiscardHandler),
	}
}

func TestStatusIsJSON(t *testing.T) {
	handler := Handler(config(raft.Status{
		ID: 1, Group: 1, Role: raft.RoleLeader, Term: 3, Leader: 1,
		LastIndex: 9, DurableIndex: 8, CommitIndex: 7, AppliedIndex: 6,
		FirstIndex: 4, SnapshotIndex: 5, StateLost: true,
		Snapshots: raft.SnapshotStatus{
			Latest: meta, IsTaking: true, Taking: 1, Receiving: &raft.SnapshotTransfer{Peer: 3, ID: 1, Last: 6, Bytes: 2, Size: 3},
			Sending: []raft.SnapshotTransfer{{Peer: 2, ID: 0xabc, Last: 5, Bytes: 70, Size: 77}},
			Taken:   4, Failed: 5, Sent: 6, Received: 7, Interrupted: 8, Resumed: 9, Damaged: 10, BytesSent: 11, BytesReceived: 12,
		},
		MembershipIndex: 3, CommittedMembershipIndex: 2, RemovedAt: 1, LostDisk: true, Forming: true, Drained: true, Transferring: 2,
		ElectionTimeout: time.Second, Leaderless: 2 * time.Second,
		Disk:       raft.DiskStatus{Saves: 1, Last: 2 * time.Millisecond, Slowest: 3 * time.Millisecond, Underway: 4 * time.Millisecond},
		Queues:     raft.QueueStatus{ProposalBytes: 1, ProposalBytesMax: 2, WaitingCallers: 3, MessageBytes: 4, MessagesDropped: 5, WriteBytes: 6},
		Membership: raft.Membership{Voters: []raft.NodeID{1}, Members: []raft.Member{{ID: 1, Address: "a:1"}}},
		Peers:      []raft.PeerStatus{{ID: 2, State: "replicate", MatchIndex: 5, Silence: time.Millisecond, CaughtUp: true}},
		Failure:    errors.New("disk on fire"),
	}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/status", nil))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	delete(got, "uptime_seconds")
	const want = `{"applied_index":6,"commit_index":7,"committed_membership_index":2,"disk":{"last_ms":2,"saves":1,"slowest_ms":3,"underway_ms":4},"drained":true,"durable_index":8,"election_timeout_ms":1000,"failure":"disk on fire","first_index":4,"forming":true,"group":1,"keys":42,` +
		`"last_index":9,"leader":1,"leaderless_ms":2000,"lost_disk":true,` +
		`"membership":{"learners":[],"members":[{"address":"a:1","id":1}],"outgoing":[],"target_learners":[],"target_voters":[],"voters":[1]},` +
		`"membership_index":3,"node":1,` +
		`"peers":[{"caught_up":true,"id":2,"lost_disk":false,"match_index":5,"silence_ms":1,"state":"replicate"}],"queues":{"message_bytes":4,"messages_dropped":5,"proposal_bytes":1,"proposal_bytes_max":2,"waiting_callers":3,"write_bytes":6},"removed_at":1,"role":"leader","snapshot_index":5,` +
		`"snapshots":{"bytes_received":12,"bytes_sent":11,"damaged":10,"failed":5,"interrupted":8,"is_taking":true,` +
		`"latest":{"bytes":77,"id":"0000000000000abc","index":5,"term":2},"received":7,` +
		`"receiving":{"bytes":2,"id":"0000000000000001","index":6,"peer":3,"size":3},"resumed":9,` +
		`"sending":[{"bytes":70,"id":"0000000000000abc","index":5,"peer":2,"size":77}],"sent":6,"taken":4,"taking_bytes":1},` +
		`"state_lost":true,"term":3,"transferring":2,"version":"test"}`
	if text, err := json.Marshal(got); err != nil || string(text) != want {
		t.Errorf("got %s, %v\nwant %s", text, err, want)
	}
}

func TestRequests(t *testing.T) {
	serving := raft.Status{ID: 1, Leader: 2}
	tests := []struct {
		method, path string
		status       raft.Status
		code         int
		body         string
	}{
		{"GET", "/healthz", serving, http.StatusOK, "ok"},
		{"GET", "/healthz", raft.Status{ID: 1, Membership: trio.Membership}, http.StatusServiceUnavailable, "no leader known"},
		{"GET", "/healthz", raft.Status{ID: 1}, http.StatusServiceUnavailable,
			"Node 1 is a member of no group: it was not initialized, and no leader has sent it anything."},
		{"GET", "/healthz", raft.Status{Leader: 2, Failure: errors.New("disk full")}, http.StatusServiceUnavailable, "stopped: disk full"},
		{"GET", "/healthz", raft.Status{ID: 1, Leader: 2, RemovedAt: 7}, http.StatusServiceUnavailable,
			"Node 1 was removed from the group, by the entry at index 7: it neither votes nor is it sent anything."},
		{"GET", "/state", serving, http.StatusOK, "{\n  \"applied_index\": 6,\n  \"keys\": 41,\n  \"hash\": \"abc\"\n}"},
		{"POST", "/snapshot", serving, http.StatusOK, "{\n  \"id\": \"0000000000000abc\",\n  \"term\": 2,\n  \"index\": 5,\n  \"bytes\": 77\n}"},
		{"GET", "/backup", serving, http.StatusOK, "a backup"},
		{"GET", "/dump", serving, http.StatusServiceUnavailable,
			"{\n  \"error\": {\n    \"code\": \"failed\",\n    \"message\": \"no dump\",\n    \"node\": 1,\n    \"leader\": 2\n  }\n}"},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		Handler(config(test.status)).ServeHTTP(w, httptest.NewRequest(test.method, "http://localhost"+test.path, nil))
		if got := strings.TrimSpace(w.Body.String()); w.Code != test.code || got != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, w.Code, got, test.code, test.body)
		}
	}
}

// TestMisdirected: what is no command, or is asked for in the wrong way, is answered as JSON, too.
func TestMisdirected(t *testing.T) {
	tests := []struct {
		method, path, code, allow string
		status                    int
	}{
		{"GET", "/snapshot", CodeWrongMethod, "POST", http.StatusMethodNotAllowed},
		{"POST", "/healthz", CodeWrongMethod, "GET", http.StatusMethodNotAllowed},
		{"DELETE", "/status", CodeWrongMethod, "GET", http.StatusMethodNotAllowed},
		{"GET", "/", CodeUnknown, "", http.StatusNotFound},
		{"POST", "/nonsense", CodeUnknown, "", http.StatusNotFound},
		{"GET", "/status/", CodeUnknown, "", http.StatusNotFound},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		Handler(config(raft.Status{ID: 1, Leader: 2})).ServeHTTP(w, httptest.NewRequest(test.method, "http://localhost"+test.path, nil))
		if w.Code != test.status || codeOf(t, w.Body.String()) != test.code || w.Header().Get("Allow") != test.allow || !strings.Contains(w.Body.String(), `"leader": 2`) {
			t.Errorf("%s %s: %d %s, allowed %q", test.method, test.path, w.Code, w.Body, w.Header().Get("Allow"))
		}
	}
}

func TestServerStartsAndCloses(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Start(ln, config(raft.Status{Leader: 1}))
	response, err := http.Get("http://" + s.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || string(body) != "ok\n" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}

// TestCloseDoesNotWaitForTheMute: connections on which nobody asks anything do not hold up the end, nor does one
// that has asked something before.
func TestCloseDoesNotWaitForTheMute(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Start(ln, config(raft.Status{Leader: 1}))
	for _, text := range []string{"", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if took := time.Since(begun); took > 4*time.Second { // net/http would wait 5 s.
		t.Errorf("it took %v", took)
	}
}
