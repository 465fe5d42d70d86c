// SPDX-License-Identifier: Apache-2.0

package admin

import (
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

func config(status raft.Status) Config {
	return Config{
		Status: func() raft.Status { return status }, Keys: func() int { return 42 },
		Summarize: func() kv.Summary { return kv.Summary{Applied: 6, Keys: 41, Hash: "abc"} },
		Version:   "test", Started: time.Now(), Logger: slog.New(slog.DiscardHandler),
	}
}

func TestStatusIsJSON(t *testing.T) {
	handler := Handler(config(raft.Status{
		ID: 1, Group: 1, Role: raft.RoleLeader, Term: 3, Leader: 1,
		LastIndex: 9, DurableIndex: 8, CommitIndex: 7, AppliedIndex: 6,
		Membership: raft.Membership{Voters: []raft.NodeID{1}, Members: []raft.Member{{ID: 1, Address: "a:1"}}},
		Peers:      []raft.PeerStatus{{ID: 2, State: "replicate", MatchIndex: 5}},
		Failure:    errors.New("disk on fire"),
	}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/status", nil))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	delete(got, "uptime_seconds")
	const want = `{"applied_index":6,"commit_index":7,"durable_index":8,"failure":"disk on fire","group":1,"keys":42,` +
		`"last_index":9,"leader":1,"membership":{"learners":[],"members":[{"address":"a:1","id":1}],"outgoing":[],"voters":[1]},` +
		`"node":1,"peers":[{"id":2,"match_index":5,"state":"replicate"}],"role":"leader","term":3,"version":"test"}`
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
		{"GET", "/healthz", raft.Status{ID: 1}, http.StatusServiceUnavailable, "no leader known"},
		{"GET", "/healthz", raft.Status{Leader: 2, Failure: errors.New("disk full")}, http.StatusServiceUnavailable, "stopped: disk full"},
		{"GET", "/state", serving, http.StatusOK, "{\n  \"applied_index\": 6,\n  \"keys\": 41,\n  \"hash\": \"abc\"\n}"},
		{"POST", "/healthz", serving, http.StatusMethodNotAllowed, "Method Not Allowed"},
		{"DELETE", "/status", serving, http.StatusMethodNotAllowed, "Method Not Allowed"},
		{"GET", "/", serving, http.StatusNotFound, "404 page not found"},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		Handler(config(test.status)).ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if got := strings.TrimSpace(w.Body.String()); w.Code != test.code || got != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, w.Code, got, test.code, test.body)
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
