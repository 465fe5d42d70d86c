// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wal"
)

func TestParseMembers(t *testing.T) {
	members, err := parseMembers("--initial-cluster", "3=c:3, 1=a:1,2=[::1]:2")
	if err != nil || nameOf(members) != "1=a:1,2=[::1]:2,3=c:3" {
		t.Errorf("got %v, %v", members, err)
	}
	for _, text := range []string{"", "1", "1=", "1=a", "1=:7001", "1=a:", "x=a:1", "0=a:1", "-1=a:1", "1=a:1,", "1=a:1,1=b:2", "1=a:0", "1=a:65536", "1=a:x"} {
		if members, err := parseMembers("--initial-cluster", text); err == nil || !strings.Contains(err.Error(), "--initial-cluster") {
			t.Errorf("%q: %v, %v; want an error that names the flag", text, members, err)
		}
	}
}

func TestErrorsAreOneLineWithAdvice(t *testing.T) {
	err := errors.Join(fmt.Errorf("%w: x", wal.ErrWrongNode), raft.ErrStopped)
	want := wal.ErrWrongNode.Error() + ": x; raft: stopped (see --dir and --id)"
	if got := oneLine(err); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// run carries out a command line and returns the status and what it printed.
func run(line string) (status int, stdout, stderr string) {
	var out, problems bytes.Buffer
	status = Run(strings.Fields(line), &out, &problems)
	return status, out.String(), problems.String()
}

func TestCommandLine(t *testing.T) {
	const good = "serve --dir d --initial-cluster 1=127.0.0.1:7001"
	tests := []struct {
		line   string
		status int
		stderr string
	}{
		{"version", 0, ""},
		{"help", 0, ""},
		{"serve --help", 0, ""},
		{"nonsense", 1, `balsa: unknown command "nonsense" for "balsa"` + "\n"},
		{"serve", 1, `balsa: required flag(s) "dir", "id" not set` + "\n"},
		{"serve --id 1 --dir d", 1, "balsa: at least one of the flags in the group [initial-cluster join] is required\n"},
		{"serve --id 1 --dir d --join", 1, "balsa: --join: which cluster to join has to be said with --cluster-name, or --initial-cluster as it was when the cluster was formed\n"},
		{"serve --id 2 --dir d --join --cluster-name c", 1, "balsa: --join: where to listen for other nodes has to be said with --raft-listen\n"},
		{"serve --id 2 --dir d --join --initial-cluster 1=127.0.0.1:7001", 1, "balsa: --join: where to listen for other nodes has to be said with --raft-listen\n"},
		{good + " --id 2", 1, "balsa: --id: node 2 is not in --initial-cluster 1=127.0.0.1:7001\n"},
		{good + " --id 1 --peer-address 2", 1, `balsa: --peer-address: "2" is not of the form ID=HOST:PORT with an ID from 1 on` + "\n"},
		{good + " --id 1 --peer-address 2=a:1 --peer-address 2=b:1", 1, "balsa: --peer-address: node 2 is there twice\n"},
		{good + " --id 1 --peer-address 1=a:1", 1, "balsa: --peer-address: node 1 is this one; see --raft-listen for where it listens\n"},
		{good + " --id 1 --client=", 1, "balsa: --client: the address is empty\n"},
		{good + " --id 1 --dir=", 1, "balsa: --dir: the folder's name is empty\n"},
		{good + " --id 1 --election-timeout 0", 1, "balsa: --election-timeout: must be at least 10ms\n"},
		{good + " --id 1 --election-timeout 1ns", 1, "balsa: --election-timeout: must be at least 10ms\n"},
		{good + " --id 1 --client x", 1, `balsa: --client: "x" is not of the form HOST:PORT` + "\n"},
		{good + " --id 1 --admin 127.0.0.1:99999", 1, `balsa: --admin: "127.0.0.1:99999" is not of the form HOST:PORT` + "\n"},
		{good + " --id 1 --raft-listen x:y:z", 1, `balsa: --raft-listen: "x:y:z" is not of the form HOST:PORT` + "\n"},
		{good + " --id 1 --advertise x", 1, `balsa: --advertise: "x" is not of the form HOST:PORT` + "\n"},
		{good + " --id 1 --snapshot-entries -5", 1, "balsa: --snapshot-entries, --snapshot-log-bytes and --snapshot-interval: must not be negative\n"},
		{good + " --id 1 --snapshot-trailing-bytes -5", 1, "balsa: --snapshot-trailing-entries and --snapshot-trailing-bytes: must not be negative\n"},
		{good + " --id 1 --request-timeout -1s", 1, "balsa: --request-timeout: must be more than zero\n"},
		{good + " --id 1 --max-clients 0", 1, "balsa: --max-clients: must be more than zero\n"},
		{good + " --id 1 --tls-ca x", 1, "balsa: --tls-ca, --tls-cert and --tls-key: give all three or none\n"},
		{good + " --id 1 --admin-tls", 1, "balsa: --admin-tls: needs --tls-ca, --tls-cert and --tls-key\n"},
		{good + " --id 1 --log-level loud", 1, `balsa: --log-level: slog: level string "loud": unknown name` + "\n"},
		{good + " --id 1 extra", 1, `balsa: unknown command "extra" for "balsa serve"` + "\n"},
	}
	for _, test := range tests {
		status, _, stderr := run(test.line)
		if status != test.status || stderr != test.stderr {
			t.Errorf("%s: status %d, %q; want %d, %q", test.line, status, stderr, test.status, test.stderr)
		}
	}
	if _, err := os.Stat("d"); err == nil {
		t.Error("a command line that is refused has made a folder")
	}
	if _, stdout, _ := run("version"); !strings.HasPrefix(stdout, "balsa ") {
		t.Errorf("version printed %q", stdout)
	}
}
