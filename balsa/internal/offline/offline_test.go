// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/client"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

const (
	testTimeout     = 20 * time.Second
	anyPort         = "127.0.0.1:0"
	clusterName     = "first"
	electionTimeout = 200 * time.Millisecond
	writes          = 120
	segmentBytes    = 1 << 20
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func config(id raft.NodeID, dir, cluster, engine string) node.Config {
	return node.Config{
		ID: id, Dir: dir, Cluster: raft.NewClusterID(cluster), RaftAddress: anyPort, ClientAddress: anyPort,
		ElectionTimeout: electionTimeout, SegmentBytes: segmentBytes, Engine: engine, Logger: discard,
		Snapshots: raft.SnapshotPolicy{Entries: 50, TrailingEntries: 10},
	}
}

// do sends a command to a node until it is answered without error, and returns the answer.
func do(t testing.TB, n *node.Node, args ...string) string {
	t.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		conn, err := client.Dial(n.Addresses().Client, testTimeout)
		must(t, err)
		reply, err := conn.Do(args...)
		must(t, conn.Close())
		if err == nil && !reply.IsError() {
			return reply.String()
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q: %v, %v", args, reply, err)
		}
	}
}

func closeNode(t testing.TB, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	must(t, n.Close(ctx))
}

// survivor is the folder of node 1, which is what is left of three nodes.
type survivor struct {
	dir, engine string
	members     []raft.Member
	text        string // what dump says of its keys
}

// survivors are made once for each engine, and copied.
var survivors = map[string]*survivor{}

// newSurvivor returns a folder for the test alone.
func newSurvivor(t *testing.T, engine string) *survivor {
	t.Helper()
	s := survivors[engine]
	if s == nil {
		s = formTrio(t, engine)
		survivors[engine] = s
	}
	mine := *s
	mine.dir = filepath.Join(t.TempDir(), "data")
	must(t, copyFolder(mine.dir, s.dir))
	return &mine
}

func TestMain(m *testing.M) {
	status := m.Run()
	for _, s := range survivors {
		_ = os.RemoveAll(filepath.Dir(s.dir)) // Nothing depends on it.
	}
	os.Exit(status)
}

// formTrio runs three nodes, writes, and ends them.
func formTrio(t *testing.T, engine string) *survivor {
	t.Helper()
	home, err := os.MkdirTemp("", "balsa-offline-")
	must(t, err)
	var nodes []*node.Node
	s := &survivor{dir: filepath.Join(home, "1"), engine: engine}
	for id := raft.NodeID(1); id <= 3; id++ {
		n, err := node.Listen(config(id, filepath.Join(home, fmt.Sprint(id)), clusterName, engine))
		must(t, err)
		nodes = append(nodes, n)
		s.members = append(s.members, raft.Member{ID: id, Address: n.Addresses().Raft})
	}
	for _, n := range nodes {
		must(t, n.Start(t.Context(), s.members))
	}
	for i := range writes {
		do(t, nodes[i%3], "SET", fmt.Sprint("key", i), strings.Repeat(fmt.Sprint(i), 20))
	}
	do(t, nodes[0], "GET", "key0") // Behind all writes, on the node that is to survive.
	deadline := time.Now().Add(testTimeout)
	for nodes[0].Status().SnapshotIndex == 0 || nodes[0].Status().FirstIndex == 1 {
		if time.Now().After(deadline) {
			t.Fatal("there is no snapshot")
		}
		do(t, nodes[0], "GET", "key0")
	}
	var text bytes.Buffer
	for i := len(nodes) - 1; i >= 0; i-- {
		closeNode(t, nodes[i])
	}
	_, err = WriteDump(s.dir, false, &text)
	must(t, err)
	s.text = text.String()
	if lines := strings.Count(s.text, "\n"); lines != writes {
		t.Fatalf("%d keys were written, and the dump has %d", writes, lines)
	}
	return s
}

// options are those to recover the folder with node 1 alone.
func (s *survivor) options() Options {
	return Options{Dir: s.dir, Members: s.members[:1], SegmentBytes: segmentBytes, Args: []string{"recover"}}
}

// start starts the node on its folder, with the cluster's name given.
func (s *survivor) start(t *testing.T, name string) *node.Node {
	t.Helper()
	n, err := node.Listen(config(1, s.dir, name, s.engine))
	must(t, err)
	must(t, n.Start(t.Context(), s.members))
	return n
}

// dump returns the keys in the folder.
func (s *survivor) dump(t *testing.T, dir string) string {
	t.Helper()
	var text bytes.Buffer
	_, err := WriteDump(dir, false, &text)
	must(t, err)
	return text.String()
}

// tree returns what is in a folder, but for the locks that a reader may leave.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	}))
	return files
}

func sameTree(a, b map[string]string) string {
	for name, sum := range a {
		if b[name] != sum {
			return name
		}
	}
	if len(a) != len(b) {
		return "a new file"
	}
	return ""
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	content[at] ^= 8
	must(t, os.WriteFile(path, content, 0o600))
}
