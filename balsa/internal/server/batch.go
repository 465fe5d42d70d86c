// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"time"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

const (
	// batchCommandsMax bounds the commands of one batch.
	batchCommandsMax = 1024
	// batchBytesMax is how many bytes a batch may have and still take a command more.
	batchBytesMax = 1 << 20
	// batchReplyBytesMax is how many bytes the replies of a batch may come to and
	// still take a command more. They may have to come from another node, all at
	// once, and what exceeds its lane is dropped.
	batchReplyBytesMax = 32 << 20
)

// batch is a run of commands of one client, and their replies.
type batch struct {
	// now is the wall clock that all its commands carry, in Unix milliseconds.
	now int64
	// arena holds the encoded commands. They belong to the log once they are
	// proposed, so it is not reused.
	arena    []byte
	proposed [][]byte
	// replyBytes is what the replies to them may come to.
	replyBytes int
	// replies has one element for each command, nil for those proposed until there
	// is an answer.
	replies [][]byte
}

func newBatch(commands []redcon.Command) *batch {
	size := 0
	for i := range commands {
		size += len(commands[i].Raw) + commandOverhead
		if i == batchCommandsMax || size >= batchBytesMax {
			break
		}
	}
	return &batch{
		now:     time.Now().UnixMilli(),
		arena:   make([]byte, 0, size),
		replies: make([][]byte, 0, min(len(commands), batchCommandsMax)),
	}
}

// commandOverhead is about how much longer an encoded command can be than in the
// Redis protocol.
const commandOverhead = 8

func (b *batch) isFull() bool {
	return len(b.replies) >= batchCommandsMax || len(b.arena) >= batchBytesMax || b.replyBytes >= batchReplyBytesMax
}

// answer adds a command that is answered already.
func (b *batch) answer(reply []byte) { b.replies = append(b.replies, reply) }

// propose adds a command that is to be proposed.
func (b *batch) propose(c *kv.Command) {
	start := len(b.arena)
	b.arena = c.Append(b.arena)
	b.proposed = append(b.proposed, b.arena[start:len(b.arena):len(b.arena)])
	b.replies = append(b.replies, nil)
	b.replyBytes += c.ReplyBound()
}

// propose proposes what the batch has to propose and fills in the replies.
func (s *Server) propose(b *batch) {
	if len(b.proposed) == 0 {
		return
	}
	if outside := s.outside(); outside != nil {
		b.finish(nil, fmt.Errorf("%w: %w", raft.ErrNotApplied, outside))
		return
	}
	ctx, wait := s.begin()
	defer wait.end()
	b.finish(s.cfg.Group.ProposeBatch(ctx, b.proposed))
}

// finish fills in the replies of what was proposed: the results, and what became of the rest.
func (b *batch) finish(results []raft.Result, err error) {
	next := 0
	for i := range b.replies {
		if b.replies[i] != nil {
			continue
		}
		if next < len(results) {
			b.replies[i] = results[next].Value
		} else {
			b.replies[i] = failureReply(err)
		}
		next++
	}
}
