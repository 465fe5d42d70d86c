// SPDX-License-Identifier: Apache-2.0

package peer

import "github.com/balsa-raft/raft/wire"

// window counts the messages that were sent and not yet acknowledged. Its bytes are
// always those of the messages in it.
type window struct {
	messagesMax, bytesMax int

	inflight []inflight // oldest first
	bytes    int
}

type inflight struct {
	last  wire.Index
	bytes int
}

// hasRoom reports whether another message may be sent. A window that is empty has
// room for any message, whatever its size.
func (w *window) hasRoom() bool {
	return len(w.inflight) == 0 || (len(w.inflight) < w.messagesMax && w.bytes < w.bytesMax)
}

func (w *window) add(last wire.Index, bytes int) {
	w.inflight = append(w.inflight, inflight{last: last, bytes: bytes})
	w.bytes += bytes
}

// free takes out what is acknowledged.
func (w *window) free(match wire.Index) {
	n := 0
	for n < len(w.inflight) && w.inflight[n].last <= match {
		w.bytes -= w.inflight[n].bytes
		n++
	}
	if n > 0 {
		w.inflight = w.inflight[:copy(w.inflight, w.inflight[n:])]
	}
}

func (w *window) reset() { w.inflight, w.bytes = w.inflight[:0], 0 }
