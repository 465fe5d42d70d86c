// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// serve starts an admin port.
func serve(t *testing.T, handler http.Handler) string {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestLead: a command gets to the leader, whatever the others say.
func TestLead(t *testing.T) {
	leader := config(trio)
	follower := config(raft.Status{ID: 2, Leader: 1})
	follower.Group.(*stub).err = raft.ErrChangeNotLeader
	client := Client{Addresses: []string{serve(t, Handler(follower)), serve(t, Handler(leader))}}
	answer, err := client.Lead(t.Context(), time.Second, "remove", NodeRequest{ID: 2})
	if err != nil || answer.Address != client.Addresses[1] || len(leader.Group.(*stub).calls) != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	client.Addresses = client.Addresses[:1]
	if _, err := client.Lead(t.Context(), time.Minute, "remove", NodeRequest{ID: 2}); err == nil || !strings.Contains(err.Error(), "node 1 leads") {
		t.Errorf("without the leader's address: %v", err)
	}
}

// TestLeadFromOneLeaderToTheNext: the first leader is lost when it has removed the member, so the
// next one does not have it. That is no failure; it would be if no leader had been lost.
func TestLeadFromOneLeaderToTheNext(t *testing.T) {
	lost := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	next := config(trio)
	next.Group.(*stub).err = raft.ErrNotMember
	client := Client{Addresses: []string{lost, serve(t, Handler(next))}}
	if answer, err := client.Lead(t.Context(), time.Second, "remove", NodeRequest{ID: 2}); err != nil || answer.Status != http.StatusOK {
		t.Errorf("%+v, %v", answer, err)
	}
	client.Addresses = client.Addresses[1:]
	var failure *Error
	if _, err := client.Lead(t.Context(), time.Second, "remove", NodeRequest{ID: 2}); !errors.As(err, &failure) || failure.Code != CodeNotMember {
		t.Errorf("without a leader that was lost: %v", err)
	}
}

// TestLeadAwaitsALeader: a leader that is too new is asked again.
func TestLeadAwaitsALeader(t *testing.T) {
	asked := 0
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cfg := config(trio)
		if asked++; asked < 3 {
			cfg.Group.(*stub).err = raft.ErrChangeTooEarly
		}
		r.Host = "localhost"
		Handler(cfg).ServeHTTP(w, r)
	}))
	client := Client{Addresses: []string{address}}
	if _, err := client.Lead(t.Context(), 10*time.Second, "remove", NodeRequest{ID: 2}); err != nil || asked != 3 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
