// SPDX-License-Identifier: Apache-2.0

package kv

// Bounds of what one command may hold and give back. They are part of the state
// machine: members with different ones would come to different states.
const (
	// KeyBytesMax bounds a key.
	KeyBytesMax = 64 << 10
	// ValueBytesMax bounds a value, also one that grows by APPEND.
	ValueBytesMax = 512 << 10
	// PatternBytesMax bounds the pattern of KEYS and SCAN, and so the time that a
	// match can take.
	PatternBytesMax = 1 << 10
	// CommandBytesMax bounds an encoded command. It must not exceed the
	// CommandBytesMax of the Raft group that carries it.
	CommandBytesMax = 1 << 20
	// ReplyBytesMax bounds the reply to one command; a command whose reply would be
	// longer gets an error instead. A reply may have to travel to the node that
	// forwarded the command, in one message.
	ReplyBytesMax = 8 << 20
	// ScanCountMax bounds the keys that one SCAN looks at, whatever its COUNT says.
	ScanCountMax = 10_000

	// evictionsPerCommand bounds the expired keys whose memory one command frees.
	// Each command can make at most a few keys expire, so the backlog shrinks.
	evictionsPerCommand = 32
)
