// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft"
)

// failureReply says what became of a command without result.
func failureReply(err error) []byte {
	return redcon.AppendError(nil, failureText(err))
}

// failureText begins with the word that clients are to decide by.
func failureText(err error) string {
	var outside *outsideError
	switch {
	case errors.Is(err, raft.ErrTooLarge):
		return "ERR command too large"
	case errors.Is(err, raft.ErrNotApplied) && errors.As(err, &outside):
		return "CLUSTERDOWN " + outside.Error() + ", the command was not applied"
	case errors.Is(err, raft.ErrNotApplied):
		return "TRYAGAIN " + reason(err)
	case errors.Is(err, raft.ErrStopped):
		return "CLUSTERDOWN node is stopping, the command was not applied"
	default:
		return "UNKNOWN " + reason(err)
	}
}

// reason is the error's text without the name of the library, and with the entry
// where it is known.
func reason(err error) string {
	var lost *raft.UnknownOutcomeError
	text := strings.TrimPrefix(err.Error(), "raft: ")
	if errors.As(err, &lost) && lost.LogID == (raft.LogID{}) && lost.Cause != nil {
		text = "outcome unknown: " + lost.Cause.Error()
	}
	return strings.ReplaceAll(text, "\n", ": ") // Errors that are joined have lines.
}
