// SPDX-License-Identifier: Apache-2.0

package raft

import "time"

// DiskStatus says how long the calls of LogStore.Save take, which end when what was written is
// durable. All groups of a node share them.
type DiskStatus struct {
	// Saves counts those that have ended since the node was opened.
	Saves uint64
	// Last is how long the last one took, Slowest the slowest of the last 30 to 60 seconds.
	Last, Slowest time.Duration
	// Underway is for how long the one that is under way has been, zero if none is.
	Underway time.Duration
}

// QueueStatus says how full this member's queues are. How much waits to be applied is the
// difference of Status.CommitIndex and Status.AppliedIndex.
type QueueStatus struct {
	// ProposalBytes are those of the commands that this member has taken from callers and not answered
	// yet, of at most ProposalBytesMax. WaitingCallers wait for less of that.
	ProposalBytes, ProposalBytesMax int
	WaitingCallers                  int
	// MessageBytes are those of the messages of other members that wait for this one's loop, and
	// MessagesDropped counts those that were too many since the group was started.
	MessageBytes    int
	MessagesDropped uint64
	// WriteBytes are those of the entries that wait for the log store, of all groups of the node.
	WriteBytes int
}

// queueStatus asks the log writer and the inbox, neither of which it waits for.
func (g *Group) queueStatus() (DiskStatus, QueueStatus) {
	stats := g.node.writer.Stats()
	disk := DiskStatus{Saves: stats.Saves, Last: stats.Last, Slowest: stats.Slowest, Underway: stats.Underway}
	g.inbox.mu.Lock()
	defer g.inbox.mu.Unlock()
	return disk, QueueStatus{
		ProposalBytes: g.inbox.pendingBytes, ProposalBytesMax: g.inbox.pendingBytesMax, WaitingCallers: len(g.inbox.room),
		MessageBytes: g.inbox.waiting.messageBytes, MessagesDropped: g.inbox.dropped,
		WriteBytes: stats.Bytes,
	}
}
