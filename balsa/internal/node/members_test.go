// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/client"
)

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), text)
}

// TestMembersChange: a node that waits is added, a first one is removed, and one that comes back is
// started with the members of long ago, which does no harm.
func TestMembersChange(t *testing.T) {
	c := startTrio(t)
	c.do(1, "+OK", "SET", "a", "1")
	leader := c.nodes[c.leader()]
	joining := leader.cfg
	joining.ID, joining.Dir = 4, filepath.Join(t.TempDir(), "4")
	joining.RaftAddress, joining.ClientAddress, joining.AdminAddress = anyPort, anyPort, anyPort
	c.listen(joining)
	if err := c.nodes[4].Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	c.refuses(4, "node 4 is a member of no group yet")
	other := raft.NodeID(1)
	if leader.cfg.ID == 1 {
		other = 2
	}
	if err := leader.group.Replace(t.Context(), other, raft.Member{ID: 4, Address: c.nodes[4].Addresses().Raft}); err != nil {
		t.Fatal(err)
	}
	c.do(4, "1", "GET", "a")
	c.refuses(other, fmt.Sprintf("node %d was removed from the group", other))

	log := new(record)
	cfg := c.kill(4)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	c.listen(cfg)
	strangers := []raft.Member{{ID: 4, Address: "a:1"}, {ID: 5, Address: "b:1"}}
	if err := c.nodes[4].Start(t.Context(), strangers); err != nil {
		t.Fatalf("started with other members: %v", err)
	}
	c.do(4, "1", "GET", "a")
	if n := log.count("formed with other members"); n != 1 {
		t.Errorf("it was said %d times that the members are other ones", n)
	}
}

// refuses wants a node to refuse commands for a reason, soon, and long before they would time out.
func (c *trio) refuses(id raft.NodeID, why string) {
	c.t.Helper()
	conn, err := client.Dial(c.nodes[id].Addresses().Client, testTimeout)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	want, got := "-CLUSTERDOWN "+why+", the command was not applied", ""
	for begun := time.Now(); got != want && time.Since(begun) < testTimeout; {
		asked := time.Now()
		reply, err := conn.Do("SET", "b", "1")
		if took := time.Since(asked); err != nil || took > 4*time.Second { // The time-out is 5 s.
			c.t.Fatalf("node %d answers %v, %v after %v", id, reply, err, took)
		}
		got = reply.String()
	}
	if got != want {
		c.t.Errorf("node %d answers %q, want %q", id, got, want)
	}
}

// TestAdminPortEndsANode over HTTP.
func TestAdminPortEndsANode(t *testing.T) {
	c := startTrio(t)
	n := c.nodes[1]
	client := admin.Client{Addresses: []string{n.Addresses().Admin}}
	for range 2 { // Asking twice is harmless.
		if _, err := client.Command(t.Context(), client.Addresses[0], "shutdown", admin.NoRequest{}); err != nil {
			t.Fatal(err)
		}
		<-n.ShutdownRequested()
	}
	delete(c.nodes, 1)
	if err := n.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestReload(t *testing.T) {
	c := startTrio(t)
	n := c.nodes[1]
	debug, loud, rate, negative := "debug", "loud", 1000, -1
	var failure *admin.Error
	client := admin.Client{Addresses: []string{n.Addresses().Admin}}
	ask := func(r admin.ReloadRequest) error {
		_, err := client.Command(t.Context(), client.Addresses[0], "reload", r)
		return err
	}
	if err := ask(admin.ReloadRequest{LogLevel: &debug}); !errors.As(err, &failure) || failure.Status != http.StatusBadRequest {
		t.Errorf("of a level that cannot be changed: %v", err)
	}
	n.cfg.LogLevel = new(slog.LevelVar)
	for _, r := range []admin.ReloadRequest{{LogLevel: &loud, SnapshotRate: &rate}, {LogLevel: &debug, SnapshotRate: &negative}} {
		if err := ask(r); err == nil || n.cfg.LogLevel.Level() != slog.LevelInfo {
			t.Errorf("%v: %v, and the level is %v", fmt.Sprint(r), err, n.cfg.LogLevel)
		}
	}
	none, kept, tooFew := 0, int64(1<<20), 1
	if err := ask(admin.ReloadRequest{PendingBytesMax: &tooFew}); err == nil {
		t.Error("a bound that no command would be within was taken")
	}
	before := n.group.Tunables()
	if err := ask(admin.ReloadRequest{TrailingEntries: &none, SnapshotRate: &negative}); err == nil || n.group.Tunables() != before {
		t.Errorf("%v, and the tunables are %+v, they were %+v", err, n.group.Tunables(), before)
	}
	if err := ask(admin.ReloadRequest{TrailingEntries: &none, RetainBytesMax: &kept}); err != nil {
		t.Error(err)
	}
	want := before
	want.TrailingEntries, want.RetainBytesMax = -1, kept
	if got := n.group.Tunables(); got != want {
		t.Errorf("the tunables are %+v, want %+v", got, want)
	}
	if err := ask(admin.ReloadRequest{LogLevel: &debug, SnapshotRate: &rate}); err != nil || n.cfg.LogLevel.Level() != slog.LevelDebug {
		t.Errorf("%v, and the level is %v", err, n.cfg.LogLevel)
	}
}

// TestAdminPortIsClosed to all but loopback, unless there is a token.
func TestAdminPortIsClosed(t *testing.T) {
	cfg := Config{
		ID: 1, Dir: t.TempDir(), Cluster: raft.NewClusterID("x"), SegmentBytes: 1 << 20,
		RaftAddress: anyPort, ClientAddress: anyPort, AdminAddress: "0.0.0.0:0", Logger: slog.New(slog.DiscardHandler),
	}
	if _, err := Listen(cfg); !errors.Is(err, admin.ErrOpen) {
		t.Fatalf("Listen: %v, want ErrOpen", err)
	}
	cfg.AdminToken = "secret"
	n, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}
