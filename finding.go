// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"strings"
)

// Severity says how bad a finding is.
type Severity uint8

// The severities.
const (
	// SeverityInfo is something worth to know, about which nothing need be done.
	SeverityInfo Severity = iota
	// SeverityWarning is something that should be looked after, while the group serves.
	SeverityWarning
	// SeverityProblem is what keeps the group, or a member, from its work.
	SeverityProblem
)

var severityNames = [...]string{"info", "warning", "problem"}

// String names the severity; one that is none of these by its number.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity %d", uint8(s))
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is something that Explain has found out.
type Finding struct {
	Severity Severity
	// Code names the kind of the finding for programs, in lower case and with underscores.
	Code string
	// Node is whom it is about, zero if it is about the group.
	Node NodeID
	// What says in a sentence what is so, and Advice what to do, empty if there is nothing.
	// They name what is to be called by the names of the admin commands.
	What, Advice string

	_ struct{}
}

// idList writes IDs for people, such as "1, 2 and 3".
func idList(ids []NodeID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	return listed(texts)
}

// nodeList writes "node 1", "nodes 1 and 2" or "no node".
func nodeList(ids []NodeID) string {
	switch len(ids) {
	case 0:
		return "no node"
	case 1:
		return "node " + idList(ids)
	}
	return "nodes " + idList(ids)
}

func listed(texts []string) string {
	n := len(texts) - 1
	if n < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:n], ", ") + " and " + texts[n]
}

// capital writes the first letter of a sentence, which has one, as a capital.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
