// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
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

// lost is a leader of a term that ends the connection when it is told to do something.
func lost(t *testing.T) string {
	handler := Handler(config(trio))
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
}

// inTurn is one address after the other of admin ports: each is asked for one command.
func inTurn(t *testing.T, ports ...http.Handler) string {
	commands := 0
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		port := ports[min(commands, len(ports)-1)]
		if r.Method == http.MethodPost {
			commands++
		}
		port.ServeHTTP(w, r)
	}))
}

// TestLeadFromOneLeaderToTheNext: the first leader is lost when it has done what it was told to, so that the next
// one does not know the member any more. That is no failure of what was to remove it; it is one of all else, and if
// no leader was lost.
func TestLeadFromOneLeaderToTheNext(t *testing.T) {
	tests := []struct {
		path    string
		request any
		isDone  bool
	}{
		{"remove", NodeRequest{ID: 9}, true},
		{"replace", ReplaceRequest{ID: 9, By: Member{ID: 2, Address: "b:2"}}, true},
		{"replace", ReplaceRequest{ID: 9, By: Member{ID: 8, Address: "h:8"}}, false},
		{"promote", NodeRequest{ID: 9}, false},
		{"demote", NodeRequest{ID: 9}, false},
		{"transfer-leader", NodeRequest{ID: 9}, false},
	}
	for _, test := range tests {
		next := config(trio)
		next.Group.(*stub).err = raft.ErrNotMember
		abort := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				panic(http.ErrAbortHandler)
			}
			Handler(next).ServeHTTP(w, r)
		})
		var failure *Error
		for _, wasLost := range []bool{true, false} {
			client := Client{Addresses: []string{inTurn(t, Handler(next))}}
			if wasLost {
				client.Addresses = []string{inTurn(t, abort, Handler(next))}
			}
			answer, err := client.Lead(t.Context(), 10*time.Second, test.path, test.request)
			isDone := err == nil && answer.Status == http.StatusOK
			if isDone != (test.isDone && wasLost) || !isDone && (!errors.As(err, &failure) || failure.Code != CodeNotMember) {
				t.Errorf("%s %+v, a leader was lost %v: %+v, %v", test.path, test.request, wasLost, answer, err)
			}
		}
	}
}

// TestLeadSeesItThrough: a leader that ends in the middle of a change says that it goes on, and the next one is
// asked how it ends; if nobody can say, that it goes on is the answer.
func TestLeadSeesItThrough(t *testing.T) {
	leaving, next, outdated := config(trio), config(trio), config(trio)
	leaving.Group.(*stub).err = raft.ErrChangeGoesOn
	outdated.Group.(*stub).err = raft.ErrChangeOutdated
	client := Client{Addresses: []string{inTurn(t, Handler(leaving), Handler(next))}}
	if answer, err := client.Lead(t.Context(), time.Minute, "remove", NodeRequest{ID: 2}); err != nil || answer.Status != http.StatusOK {
		t.Errorf("%+v, %v", answer, err)
	}
	client.Addresses = []string{serve(t, Handler(leaving))}
	if answer, err := client.Lead(t.Context(), 300*time.Millisecond, "remove", NodeRequest{ID: 2}); err != nil || answer.Status != http.StatusAccepted {
		t.Errorf("%+v, %v", answer, err)
	}
	client.Addresses = []string{inTurn(t, Handler(leaving), Handler(outdated))}
	if _, err := client.Lead(t.Context(), time.Minute, "change", TargetRequest{Voters: []Member{{ID: 1}}, IfIndex: 7}); !errors.Is(err, ErrUnsure) {
		t.Errorf("of what may have moved the index by itself: %v", err)
	}
}

// hanging takes connections, and never answers.
func hanging(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// TestLeadPassesWhoHangs: a node that takes connections and does not answer does not keep a command from the leader.
func TestLeadPassesWhoHangs(t *testing.T) {
	client := Client{Addresses: []string{hanging(t), serve(t, Handler(config(trio))), hanging(t)}}
	begun := time.Now()
	answer, err := client.Lead(t.Context(), time.Minute, "remove", NodeRequest{ID: 2})
	if err != nil || answer.Address != client.Addresses[1] {
		t.Errorf("%+v, %v", answer, err)
	}
	if took := time.Since(begun); took > viewTimeout {
		t.Errorf("it took %v", took)
	}
}

// TestLeadBelievesTheLaterTerm: of two that say that they lead, the one of the later term does.
func TestLeadBelievesTheLaterTerm(t *testing.T) {
	later := trio
	later.ID, later.Term = 2, trio.Term+1
	deposed := config(trio)
	client := Client{Addresses: []string{serve(t, Handler(deposed)), serve(t, Handler(config(later)))}}
	answer, err := client.Lead(t.Context(), time.Minute, "remove", NodeRequest{ID: 2})
	if err != nil || answer.Address != client.Addresses[1] || len(deposed.Group.(*stub).calls) != 0 {
		t.Errorf("%+v, %v", answer, err)
	}
}

// TestLeadGivesUp: what is not going to be otherwise is not tried for as long as the patience lasts.
func TestLeadGivesUp(t *testing.T) {
	cfg := config(trio)
	cfg.Token = "secret"
	secured := httptest.NewTLSServer(Handler(config(trio)))
	defer secured.Close()
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	for name, client := range map[string]Client{
		"no token":         {Addresses: []string{serve(t, Handler(cfg))}},
		"TLS is spoken":    {Addresses: []string{secured.Listener.Addr().String()}},
		"TLS is not":       {Addresses: []string{serve(t, Handler(config(trio)))}, TLS: &tls.Config{}},
		"not trusted":      {Addresses: []string{secured.Listener.Addr().String()}, TLS: &tls.Config{}},
		"something else":   {Addresses: []string{other}},
		"nothing so named": {Addresses: []string{"nothing.invalid:8001"}},
	} {
		begun := time.Now()
		_, err := client.Lead(t.Context(), time.Minute, "remove", NodeRequest{ID: 2})
		if took := time.Since(begun); err == nil || took > 2*viewTimeout {
			t.Errorf("%s: %v after %v", name, err, took)
		}
	}
}

// TestUnsure: who was reached and has not answered may have done it; who was not reached has not.
func TestUnsure(t *testing.T) {
	gone := serve(t, http.NotFoundHandler())
	for _, test := range []struct {
		address  string
		isUnsure bool
	}{{lost(t), true}, {hanging(t), true}, {"127.0.0.1:1", false}, {gone, false}} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		client := Client{Addresses: []string{test.address}}
		if _, err := client.Command(ctx, test.address, "drain", NoRequest{}); err == nil || errors.Is(err, ErrUnsure) != test.isUnsure {
			t.Errorf("%s: %v", test.address, err)
		}
		cancel()
	}
	client := Client{Addresses: []string{lost(t)}}
	if _, err := client.Lead(t.Context(), time.Millisecond, "drain", NoRequest{}); !errors.Is(err, ErrUnsure) {
		t.Errorf("of a leader: %v", err)
	}
}

// TestLeadAwaitsALeader: a leader that is too new is asked again, and so is one whose membership is; but not one
// that is busy with another change.
func TestLeadAwaitsALeader(t *testing.T) {
	settling := trio
	settling.Membership.TargetVoters = nil
	for _, test := range []struct {
		refusal error
		status  raft.Status
		isDone  bool
	}{{raft.ErrChangeTooEarly, trio, true}, {raft.ErrChangeUnderWay, settling, true}, {raft.ErrChangeUnderWay, trio, false}} {
		early, leader := config(test.status), config(test.status)
		early.Group.(*stub).err = test.refusal
		client := Client{Addresses: []string{inTurn(t, Handler(early), Handler(early), Handler(leader))}}
		_, err := client.Lead(t.Context(), 10*time.Second, "remove", NodeRequest{ID: 2})
		if isDone := err == nil && len(leader.Group.(*stub).calls) == 1; isDone != test.isDone {
			t.Errorf("%v: %v", test.refusal, err)
		}
	}
}
