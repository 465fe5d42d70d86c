// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"io"
	"net/http"
	"time"

	"github.com/balsa-raft/raft"
)

// Snapshot describes a snapshot in JSON.
type Snapshot struct {
	ID string `json:"id"`
	// Term and Index are those of the last entry that it covers.
	Term  raft.Term  `json:"term"`
	Index raft.Index `json:"index"`
	Bytes uint64     `json:"bytes"`
}

// Transfer is a snapshot on its way to or from another node.
type Transfer struct {
	Peer  raft.NodeID `json:"peer"`
	ID    string      `json:"id"`
	Index raft.Index  `json:"index"`
	// Bytes of Size are there. Size is zero if it is not known yet.
	Bytes uint64 `json:"bytes"`
	Size  uint64 `json:"size"`
}

// Snapshots says in JSON what goes on about snapshots, and what has since the node was started.
type Snapshots struct {
	// Latest is null if there is none.
	Latest *Snapshot `json:"latest"`
	// Taking is how many bytes of the one that is being taken are written; IsTaking, whether
	// one is.
	IsTaking bool   `json:"is_taking"`
	Taking   uint64 `json:"taking_bytes"`
	// Receiving is null if none is being received.
	Receiving *Transfer  `json:"receiving"`
	Sending   []Transfer `json:"sending"`

	Taken         uint64 `json:"taken"`
	Failed        uint64 `json:"failed"`
	Sent          uint64 `json:"sent"`
	Received      uint64 `json:"received"`
	Interrupted   uint64 `json:"interrupted"`
	Resumed       uint64 `json:"resumed"`
	Damaged       uint64 `json:"damaged"`
	BytesSent     uint64 `json:"bytes_sent"`
	BytesReceived uint64 `json:"bytes_received"`
}

func describeSnapshot(meta *raft.SnapshotMeta) *Snapshot {
	if meta.ID == 0 {
		return nil
	}
	return &Snapshot{ID: meta.ID.String(), Term: meta.Last.Term, Index: meta.Last.Index, Bytes: meta.Size}
}

func describeTransfer(t raft.SnapshotTransfer) Transfer {
	return Transfer{Peer: t.Peer, ID: t.ID.String(), Index: t.Last, Bytes: t.Bytes, Size: t.Size}
}

func describeSnapshots(s *raft.SnapshotStatus) Snapshots {
	answer := Snapshots{
		Latest: describeSnapshot(&s.Latest), IsTaking: s.IsTaking, Taking: s.Taking, Sending: []Transfer{},
		Taken: s.Taken, Failed: s.Failed, Sent: s.Sent, Received: s.Received, Interrupted: s.Interrupted,
		Resumed: s.Resumed, Damaged: s.Damaged, BytesSent: s.BytesSent, BytesReceived: s.BytesReceived,
	}
	if s.Receiving != nil {
		receiving := describeTransfer(*s.Receiving)
		answer.Receiving = &receiving
	}
	for _, t := range s.Sending {
		answer.Sending = append(answer.Sending, describeTransfer(t))
	}
	return answer
}

// longTimeout bounds what may take long: a snapshot, a backup or a dump of a large state.
const longTimeout = time.Hour

// allow lets an answer take longer than those of other requests, and lets its request be waited
// for: net/http takes it that a client is gone that sends nothing in the time that it has for its
// request. That the connection knows no deadlines is no reason not to try.
func allow(w http.ResponseWriter, atMost time.Duration) {
	controller := http.NewResponseController(w)
	_ = controller.SetWriteDeadline(time.Now().Add(atMost))
	_ = controller.SetReadDeadline(time.Time{})
}

// serveBackup answers with a backup. An error in the middle cuts the answer off, and a backup
// that is cut off is not accepted by balsa restore.
func (c *Config) serveBackup(w http.ResponseWriter, r *http.Request) {
	allow(w, longTimeout)
	body := &lateBody{w: w}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := c.Group.Backup(r.Context(), body); err != nil {
		body.fail(c, err)
	}
}

func (c *Config) serveDump(w http.ResponseWriter, _ *http.Request) {
	allow(w, longTimeout)
	body := &lateBody{w: w}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := c.Dump(body); err != nil {
		body.fail(c, err)
	}
}

// lateBody is the body of an answer that may yet become an error.
type lateBody struct {
	w       http.ResponseWriter
	written bool
}

var _ io.Writer = (*lateBody)(nil)

// Write passes on to the client.
func (b *lateBody) Write(p []byte) (int, error) {
	b.written = true
	return b.w.Write(p)
}

// fail answers with an error or, if it is too late for that, ends the connection in the
// middle of the answer, so that nobody takes it for a whole one.
func (b *lateBody) fail(c *Config, err error) {
	if !b.written {
		c.refuse(b.w, err)
		return
	}
	if connection, _, hijackErr := http.NewResponseController(b.w).Hijack(); hijackErr == nil {
		_ = connection.Close() // That is the message.
	}
}
