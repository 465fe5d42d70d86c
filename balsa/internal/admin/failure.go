// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/balsa-raft/raft"
)

// The codes of errors. They are part of balsa's interface.
const (
	CodeMalformed     = "malformed"
	CodeUnknown       = "unknown_command"
	CodeWrongMethod   = "wrong_method"
	CodeNotLeader     = "not_leader"
	CodeOutdated      = "outdated"
	CodeUnderWay      = "under_way"
	CodeTooEarly      = "too_early"
	CodeQuorumAtRisk  = "quorum_at_risk"
	CodeNotMember     = "not_member"
	CodeRefused       = "refused"
	CodeSuperseded    = "superseded"
	CodeNotHandedOver = "not_handed_over"
	CodeInitialized   = "initialized"
	CodeTimeout       = "timeout"
	CodeStopped       = "stopped"
	CodeForbidden     = "forbidden"
	CodeFailed        = "failed"
)

// Error is what the port answers in place of what it was asked for. It is the member "error" of
// a JSON object.
type Error struct {
	// Status is the one of HTTP.
	Status int `json:"-"`
	// Code is for programs, Message for people.
	Code    string `json:"code"`
	Message string `json:"message"`
	// Node is the one that has answered, Leader who leads as far as it knows, zero if it does
	// not.
	Node   raft.NodeID `json:"node"`
	Leader raft.NodeID `json:"leader"`
}

// Error describes the error.
func (e *Error) Error() string {
	text := e.Message
	if e.Code == CodeNotLeader && e.Leader != 0 {
		text += fmt.Sprintf(": node %d leads", e.Leader)
	}
	return text
}

// codes says which code and which status of HTTP an error has. The first that fits counts.
var codes = []struct {
	about  error
	code   string
	status int
}{
	{raft.ErrChangeNotLeader, CodeNotLeader, http.StatusMisdirectedRequest},
	{raft.ErrChangeOutdated, CodeOutdated, http.StatusPreconditionFailed},
	{raft.ErrChangeUnderWay, CodeUnderWay, http.StatusConflict},
	{raft.ErrChangeTooEarly, CodeTooEarly, http.StatusServiceUnavailable},
	{raft.ErrQuorumAtRisk, CodeQuorumAtRisk, http.StatusConflict},
	{raft.ErrNotMember, CodeNotMember, http.StatusNotFound},
	{context.DeadlineExceeded, CodeTimeout, http.StatusGatewayTimeout},
	{context.Canceled, CodeTimeout, http.StatusGatewayTimeout},
	{raft.ErrChangeRefused, CodeRefused, http.StatusBadRequest},
	{raft.ErrChangeSuperseded, CodeSuperseded, http.StatusConflict},
	{raft.ErrTransferFailed, CodeNotHandedOver, http.StatusConflict},
	{raft.ErrInitialized, CodeInitialized, http.StatusConflict},
	{errMalformed, CodeMalformed, http.StatusBadRequest},
	{raft.ErrStopped, CodeStopped, http.StatusServiceUnavailable},
}

// withoutPackages leaves out of an error which package it is of, which is nothing to operators.
var withoutPackages = strings.NewReplacer("raft: ", "", "admin: ", "")

// failure makes an answer of an error.
func (c *Config) failure(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	status := c.Status()
	failure := &Error{
		Status: http.StatusServiceUnavailable, Code: CodeFailed, Message: withoutPackages.Replace(err.Error()), Node: status.ID, Leader: status.Leader,
	}
	for _, known := range codes {
		if errors.Is(err, known.about) {
			failure.Status, failure.Code = known.status, known.code
			break
		}
	}
	return failure
}

// notLeader is the error for what only the leader can do.
func notLeader(s *raft.Status) *Error {
	return &Error{
		Status: http.StatusMisdirectedRequest, Code: CodeNotLeader, Message: "this node does not lead", Node: s.ID, Leader: s.Leader,
	}
}

// refuse answers with an error.
func (c *Config) refuse(w http.ResponseWriter, err error) {
	failure := c.failure(err)
	serveJSON(w, failure.Status, map[string]*Error{"error": failure})
}
