// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/wal"
)

// cluster is the only member of the cluster of these tests. Nothing listens there.
const cluster = "1=127.0.0.1:1"

// folder makes a node's folder, as it is after a first start and end.
func folder(t *testing.T, id raft.NodeID, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	log := openLog(t, dir, id, name)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openLog(t *testing.T, dir string, id raft.NodeID, name string) *wal.Log {
	t.Helper()
	log, err := wal.Open(wal.Options{
		Dir: dir, Node: id, Cluster: raft.NewClusterID(name), SegmentBytes: 1 << 20, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// bound returns an address that is in use until the test ends.
func bound(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// TestServeRefuses checks that whatever keeps a node from starting makes it end with
// status 1 and one line that says what is wrong and what to do.
func TestServeRefuses(t *testing.T) {
	inUse := folder(t, 1, cluster)
	held := openLog(t, inUse, 1, cluster)
	defer held.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const ports = " --raft-listen 127.0.0.1:0 --client 127.0.0.1:0 --admin 127.0.0.1:0"
	busy := bound(t)
	tests := []struct{ name, dir, flags, problem, advice string }{
		{"folder in use", inUse, ports, "folder is in use", "--dir"},
		{"another cluster's folder", folder(t, 1, "other"), ports, "folder of another cluster", "see --dir, --cluster-name"},
		{"another node's folder", folder(t, 2, cluster), ports, "folder of another node", "see --dir and --id"},
		{"folder below a file", filepath.Join(file, "data"), ports, file, ""},
		{"nodes' port in use", folder(t, 1, cluster), " --raft-listen " + busy, busy, "--raft-listen"},
		{"clients' port in use", folder(t, 1, cluster), ports + " --client " + busy, busy, "choose another with --client"},
		{"admin port in use", folder(t, 1, cluster), ports + " --admin " + busy, busy, "choose another with --admin"},
		{"admin port open to all", folder(t, 1, cluster), ports + " --admin 0.0.0.0:0", "not on loopback needs a token", "--admin-token-file"},
		{"no token", folder(t, 1, cluster), ports + " --admin-token-file none", "--admin-token-file", "none"},
		{"damaged log", damaged(t), ports, "corrupt", "nothing was changed"},
	}
	for _, test := range tests {
		status, stdout, stderr := run("serve --id 1 --log-level error --initial-cluster " + cluster + " --dir " + test.dir + test.flags)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		last := lines[len(lines)-1]
		if status != 1 || stdout != "" || len(lines) != 1 {
			t.Errorf("%s: status %d, printed %q and %q; want status 1 and one line", test.name, status, stdout, stderr)
		}
		if !strings.HasPrefix(last, "balsa: ") || !strings.Contains(last, test.problem) || !strings.Contains(last, test.advice) {
			t.Errorf("%s: %q does not say %q and %q", test.name, last, test.problem, test.advice)
		}
		t.Logf("%s: %s", test.name, last)
	}
}

// damaged makes a folder with writes in it, in one of which a bit is flipped.
func damaged(t *testing.T) string {
	t.Helper()
	const secret = "a value that can be found in the file"
	dir := written(t, 20, secret)
	flipped := false
	for _, path := range filesIn(t, dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(data), secret); i >= 0 {
			data[i] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			flipped = true
			break
		}
	}
	if !flipped {
		t.Fatal("the value is in no file")
	}
	return dir
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	return paths
}

// startAlone starts a cluster of one.
func startAlone(t *testing.T, dir string) *node.Node {
	t.Helper()
	return startAmong(t, dir, cluster)
}

// startAmong starts the first of some members.
func startAmong(t *testing.T, dir, list string) *node.Node {
	t.Helper()
	members, err := parseMembers("--initial-cluster", list)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Listen(node.Config{
		ID: 1, Dir: dir, Cluster: raft.NewClusterID(cluster), SegmentBytes: 1 << 20,
		RaftAddress: "127.0.0.1:0", ClientAddress: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), members); err != nil {
		t.Fatal(err)
	}
	return n
}
