// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

// alone makes the folder of a cluster of one, with a few keys in it.
func alone(t *testing.T) string {
	t.Helper()
	return written(t, 10, "value")
}

// written makes the folder of a cluster of one in which some keys have been set to a value.
func written(t *testing.T, keys int, value string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	n := startAlone(t, dir)
	c, err := client.Dial(n.Addresses().Client, closeTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range keys {
		if reply, err := c.Do("SET", fmt.Sprint("key", i), value); err != nil || reply.IsError() {
			t.Fatalf("%v, %v", reply, err)
		}
	}
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOfflineCommands has the exit statuses, and that JSON is JSON.
func TestOfflineCommands(t *testing.T) {
	whole, empty := alone(t), t.TempDir()
	for _, test := range []struct {
		line, stdout, stderr string
		status               int
	}{
		{"inspect --dir " + whole, "members since 1", "", 0},
		{"verify --dir " + whole, "whole: ", "", 0},
		{"dump --dir " + whole, `"key9" "value" -`, "the state after entry", 0},
		{"inspect --dir " + empty, "", "no node's folder", 1},
		{"verify --dir " + empty, "", "no node's folder", 1},
		{"dump --dir " + empty, "", "no node's folder", 1},
		{"recover --dir " + empty + " --force-members " + cluster, "", "no node's folder", 1},
		{"recover --dir " + whole + " --force-members " + cluster, "refused", "have a quorum without force", 1},
		{"inspect --dir=", "", "--dir: the folder's name is empty", 1},
		{"verify --dir=", "", "--dir: the folder's name is empty", 1},
		{"recover --dir= --force-members " + cluster, "", "--dir: the folder's name is empty", 1},
		{"dump --dir=", "", "--dir: the folder's name is empty", 1},
		{"dump --from=", "", "--from: ", 1},
		{"dump --certain", "", "--certain: is about a folder", 1},
		{"recover --dir " + whole + " --force-members 1", "", "--force-members", 1},
		{"recover --dir " + whole, "", "force-members", 1},
		{"recover --dir " + whole + " --force-members 2=127.0.0.1:2", "refused", "not among the members", 1},
		{"verify --dir " + damaged(t), "DAMAGED", "the folder is damaged: 1 places", 1},
		{"inspect --dir " + damaged(t), "problem", "corrupt", 1},
	} {
		status, stdout, stderr := run(test.line)
		if status != test.status || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
			t.Errorf("%s: status %d, printed %q and %q", test.line, status, stdout, stderr)
		}
	}
	for _, line := range []string{"inspect --dir " + whole, "verify --dir " + whole} {
		var answer map[string]any
		if status, stdout, _ := run(line + " --json"); status != 0 || json.Unmarshal([]byte(stdout), &answer) != nil || answer["dir"] != whole {
			t.Errorf("%s --json: status %d, printed %s", line, status, stdout)
		}
	}
	if names, err := os.ReadDir(empty); err != nil || len(names) > 0 {
		t.Errorf("in an empty folder there are %v, %v", names, err)
	}
}

// TestDumpCertain: the certain part of a dump is a part of it.
func TestDumpCertain(t *testing.T) {
	dir := alone(t)
	_, all, _ := run("dump --dir " + dir)
	status, certain, _ := run("dump --certain --dir " + dir)
	if status != 0 || len(certain) > len(all) || strings.Count(all, "\n") != 10 {
		t.Errorf("status %d, certain is\n%s\nall is\n%s", status, certain, all)
	}
}

// TestRecoverTwice: what is done needs not be done, and a dry run says so as the real one does. The audit record has
// the command line.
func TestRecoverTwice(t *testing.T) {
	dir := folderOf(t, "1=127.0.0.1:1,2=127.0.0.1:2")
	line := "recover --dir " + dir + " --force-members " + cluster + " --segment-bytes 1048576"
	if status, stdout, _ := run(line); status != exitDryRun || !strings.Contains(stdout, "would be kept") {
		t.Fatalf("the dry run: status %d, %s", status, stdout)
	}
	if status, stdout, stderr := run(line + " --yes"); status != 0 {
		t.Fatalf("status %d, %s, %s", status, stdout, stderr)
	}
	for _, again := range []string{line, line + " --yes"} {
		if status, stdout, stderr := run(again); status != 0 || !strings.Contains(stdout, "Nothing was changed") || stderr != "" {
			t.Errorf("%s, again: status %d, %s, %q", again, status, stdout, stderr)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	var record struct{ Args []string }
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil || strings.Join(record.Args, " ") != line+" --yes" {
		t.Errorf("the record is %s, %v", text, err)
	}
}

// folderOf makes the folder of a node that has been told its members, and has heard of none of them.
func folderOf(t *testing.T, members string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	n := startAmong(t, dir, members)
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}
