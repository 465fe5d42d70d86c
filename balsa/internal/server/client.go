// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft/balsa/internal/command"
)

// nameBytesMax bounds the name a client gives itself.
const nameBytesMax = 256

// client answers CLIENT, as far as libraries use it when they connect.
func (s *session) client(args [][]byte) []byte {
	switch sub := strings.ToLower(string(args[1])); {
	case sub == "setname" && len(args) == 3:
		return s.setName(args[2])
	case sub == "getname" && len(args) == 2:
		return redcon.AppendBulkString(nil, s.getName())
	case sub == "id" && len(args) == 2:
		return redcon.AppendInt(nil, s.id)
	case sub == "info" && len(args) == 2:
		return redcon.AppendBulkString(nil, s.describe(time.Now()))
	case sub == "list" && len(args) == 2:
		return redcon.AppendBulkString(nil, s.server.listClients())
	case sub == "setinfo" && len(args) == 4, sub == "no-evict" && len(args) == 3, sub == "no-touch" && len(args) == 3:
		return redcon.AppendOK(nil)
	}
	return unknownSubcommand("CLIENT", args)
}

func (s *session) setName(name []byte) []byte {
	isOdd := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	if len(name) > nameBytesMax || bytes.ContainsFunc(name, isOdd) {
		return replyError("ERR Client names cannot contain spaces, newlines or special characters.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = string(name)
	return redcon.AppendOK(nil)
}

func (s *session) getName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// describe writes the session as a line of CLIENT LIST.
func (s *session) describe(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("id=%d addr=%s name=%s age=%d db=0 cmd=%s resp=2\n",
		s.id, s.conn.RemoteAddr(), s.name, int(now.Sub(s.since).Seconds()), s.last)
}

func (s *Server) listClients() string {
	s.mu.Lock()
	all := make([]*session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	var list strings.Builder
	now := time.Now()
	for _, session := range all {
		list.WriteString(session.describe(now))
	}
	return list.String()
}

// hello answers HELLO for version 2 of the protocol, which is the one spoken here.
func (s *session) hello(args [][]byte) []byte {
	if len(args) > 0 {
		if reply := s.helloOptions(args); reply != nil {
			return reply
		}
	}
	reply := redcon.AppendArray(nil, 14)
	reply = appendPair(reply, "server", "redis")
	reply = appendPair(reply, "version", redisVersion)
	reply = redcon.AppendInt(redcon.AppendBulkString(reply, "proto"), 2)
	reply = redcon.AppendInt(redcon.AppendBulkString(reply, "id"), s.id)
	reply = appendPair(reply, "mode", "standalone")
	reply = appendPair(reply, "role", "master")
	return redcon.AppendArray(redcon.AppendBulkString(reply, "modules"), 0)
}

func appendPair(buf []byte, key, value string) []byte {
	return redcon.AppendBulkString(redcon.AppendBulkString(buf, key), value)
}

// helloOptions takes the version and what may follow it, and returns an error reply
// or nil.
func (s *session) helloOptions(args [][]byte) []byte {
	if string(args[0]) != "2" {
		return replyError("NOPROTO unsupported protocol version")
	}
	for options := args[1:]; len(options) > 0; options = options[2:] {
		if len(options) < 2 || !strings.EqualFold(string(options[0]), "setname") {
			return replyError(fmt.Sprintf("ERR Syntax error in HELLO option '%s'", command.Clean(options[0])))
		}
		if reply := s.setName(options[1]); reply[0] == '-' {
			return reply
		}
	}
	return nil
}
