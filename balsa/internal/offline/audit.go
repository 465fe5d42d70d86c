// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"time"
)

// auditName is the file in a node's folder that says what was done to it by hand: one JSON object a
// line, the latest last.
const auditName = "audit.log"

// Record is one line of it.
type Record struct {
	Time    string   `json:"time"`
	Command string   `json:"command"`
	Args    []string `json:"args,omitempty"`
	User    string   `json:"user"`
	Host    string   `json:"host"`
	Report
}

// newRecord makes the record of what is being done now, by this process's user.
func newRecord(now time.Time, command string, args []string, report Report) Record {
	r := Record{Time: now.UTC().Format(time.RFC3339), Command: command, Args: args, User: "unknown", Host: "unknown", Report: report}
	if u, err := user.Current(); err == nil {
		r.User = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		r.Host = host
	}
	return r
}

// readAudit returns the records in a folder, none if there is no file. A line that is none is passed over.
func readAudit(dir string) ([]Record, error) {
	content, err := os.ReadFile(filepath.Join(dir, auditName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("offline: read the audit records: %w", err)
	}
	var records []Record
	for line := range bytes.Lines(content) {
		var r Record
		if json.Unmarshal(line, &r) == nil {
			records = append(records, r)
		}
	}
	return records, nil
}

// writeAudit makes the audit file of a new folder: that of the old one, with one more record.
func writeAudit(dir, old string, r Record) error {
	content, err := os.ReadFile(filepath.Join(old, auditName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("offline: read the audit records: %w", err)
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		content = append(content, '\n')
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("offline: write the audit record: %w", err)
	}
	return writeFile(filepath.Join(dir, auditName), bytes.NewReader(append(append(content, line...), '\n')))
}
