// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft"
)

// Result is what the tour has shown. The names in JSON are part of balsa's interface.
type Result struct {
	// Acknowledged is the number of writes that a server said were done.
	Acknowledged int `json:"acknowledged"`
	// UnknownOutcome is the number of writes that no server could tell the outcome of.
	UnknownOutcome int `json:"unknown_outcome"`
	// Lost is the number of acknowledged writes that are not there.
	Lost int `json:"lost"`
	// Duplicated is the number of writes that are there more often than they may be.
	Duplicated int `json:"duplicated"`
	// LeaderChanges is how often a node took over from another.
	LeaderChanges int `json:"leader_changes"`
	// FailoverMS is how long no client had an answer when the leader was killed.
	FailoverMS float64 `json:"failover_ms"`
	// CatchUpMS is how long the killed node needed to have what the others have.
	CatchUpMS float64 `json:"catch_up_ms"`
	// StatesEqual and LogsEqual say whether all nodes have the same.
	StatesEqual bool `json:"states_equal"`
	LogsEqual   bool `json:"logs_equal"`
	// LogsFrom is the first entry that was compared: the first that all logs still had.
	LogsFrom raft.Index `json:"logs_from"`
	// StateHash identifies the state and AppliedIndex the log up to which it goes.
	StateHash    string     `json:"state_hash"`
	AppliedIndex raft.Index `json:"applied_index"`
	Keys         int        `json:"keys"`
	// WritesPerSecond is the mean, with the failover in it.
	WritesPerSecond int `json:"writes_per_second"`
	// Complaint is an answer that was not expected, if there was one.
	Complaint string `json:"complaint,omitempty"`
}

func (r *Result) print(out io.Writer) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// verdict returns which promises the cluster did not keep, or nil.
func (r *Result) verdict() error {
	var errs []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("demo: "+format, args...))
		}
	}
	require(r.Lost == 0, "%d acknowledged writes are lost", r.Lost)
	require(r.Duplicated == 0, "%d writes were applied more than once", r.Duplicated)
	require(r.StatesEqual, "the nodes' states differ")
	require(r.LogsEqual, "the nodes' logs differ")
	require(r.LeaderChanges > 0, "no other node took over")
	require(r.Complaint == "", "a client had an answer that cannot be: %s", r.Complaint)
	return errors.Join(errs...)
}

// result narrates the result.
func (n *narrator) result(r *Result) {
	n.line("")
	n.line("  acknowledged   %s writes, %s a second", grouped(int64(r.Acknowledged)), grouped(int64(r.WritesPerSecond)))
	n.line("  unknown        %s: no answer came, they may be there or not", grouped(int64(r.UnknownOutcome)))
	n.line("  lost           %d", r.Lost)
	n.line("  duplicated     %d", r.Duplicated)
	n.line("  failover       %.0f ms without an answer to anyone", r.FailoverMS)
	n.line("  states         %s, %s keys, %.12s at index %d", equality(r.StatesEqual), grouped(int64(r.Keys)), r.StateHash, r.AppliedIndex)
	n.line("  logs           %s, from index %d on", equality(r.LogsEqual), r.LogsFrom)
}

func equality(equal bool) string {
	if equal {
		return "equal on all nodes"
	}
	return "DIFFERENT"
}
