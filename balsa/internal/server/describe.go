// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// redisVersion is the version of Redis whose commands and errors balsa follows,
// for libraries that ask before they use something.
const redisVersion = "7.4.0"

// commandInfo answers COMMAND.
func commandInfo(args [][]byte) []byte {
	if len(args) == 1 {
		return describeCommands(nil)
	}
	switch sub := strings.ToLower(string(args[1])); {
	case sub == "count" && len(args) == 2:
		return redcon.AppendInt(nil, int64(len(command.Specs)))
	case sub == "info":
		return describeCommands(args[2:])
	case sub == "docs":
		return redcon.AppendArray(nil, 0)
	case sub == "list" && len(args) == 2:
		reply := redcon.AppendArray(nil, len(command.Specs))
		for i := range command.Specs {
			reply = redcon.AppendBulkString(reply, command.Specs[i].Name)
		}
		return reply
	}
	return unknownSubcommand("COMMAND", args)
}

// describeCommands describes the commands named, or all if none is.
func describeCommands(names [][]byte) []byte {
	if len(names) == 0 {
		reply := redcon.AppendArray(nil, len(command.Specs))
		for i := range command.Specs {
			reply = describeCommand(reply, &command.Specs[i])
		}
		return reply
	}
	reply := redcon.AppendArray(nil, len(names))
	for _, name := range names {
		if spec := command.Named(name); spec != nil {
			reply = describeCommand(reply, spec)
		} else {
			reply = append(reply, "*-1\r\n"...)
		}
	}
	return reply
}

func describeCommand(buf []byte, spec *command.Spec) []byte {
	kind := "readonly"
	if spec.Write {
		kind = "write"
	}
	buf = redcon.AppendArray(buf, 6)
	buf = redcon.AppendBulkString(buf, spec.Name)
	buf = redcon.AppendInt(buf, int64(spec.Arity))
	buf = redcon.AppendArray(buf, 1)
	buf = redcon.AppendString(buf, kind)
	buf = redcon.AppendInt(buf, int64(spec.FirstKey))
	buf = redcon.AppendInt(buf, int64(spec.LastKey))
	return redcon.AppendInt(buf, int64(spec.KeyStep))
}

// config answers CONFIG GET with the settings of Redis that have a meaning here.
func (s *Server) config(args [][]byte) []byte {
	if !strings.EqualFold(string(args[1]), "get") || len(args) < 3 {
		return unknownSubcommand("CONFIG", args)
	}
	settings := [...]struct{ name, value string }{
		{"appendfsync", "always"},
		{"appendonly", "yes"},
		{"databases", "1"},
		{"maxclients", fmt.Sprint(s.cfg.ClientsMax)},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"proto-max-bulk-len", fmt.Sprint(bulkBytesMax)},
		{"save", ""},
		{"timeout", "0"},
	}
	var pairs []byte
	found := 0
	for _, setting := range settings {
		if matchesAny(args[2:], setting.name) {
			pairs = appendPair(pairs, setting.name, setting.value)
			found++
		}
	}
	return append(redcon.AppendArray(nil, 2*found), pairs...)
}

func matchesAny(patterns [][]byte, name string) bool {
	for _, pattern := range patterns {
		if len(pattern) <= kv.PatternBytesMax && kv.Matches(pattern, name) {
			return true
		}
	}
	return false
}

// info answers INFO with all sections, or those named.
func (s *Server) info(names [][]byte) []byte {
	sections := [...]struct {
		name  string
		write func(*strings.Builder)
	}{
		{"server", s.infoServer}, {"clients", s.infoClients}, {"raft", s.infoRaft}, {"keyspace", s.infoKeyspace},
	}
	var text strings.Builder
	for _, section := range sections {
		if len(names) > 0 && !namesSection(names, section.name) {
			continue
		}
		if text.Len() > 0 {
			text.WriteString("\r\n")
		}
		fmt.Fprintf(&text, "# %s%s\r\n", strings.ToUpper(section.name[:1]), section.name[1:])
		section.write(&text)
	}
	return redcon.AppendBulkString(nil, text.String())
}

func namesSection(names [][]byte, section string) bool {
	for _, name := range names {
		switch strings.ToLower(string(name)) {
		case section, "all", "default", "everything":
			return true
		}
	}
	return false
}

func (s *Server) infoServer(w *strings.Builder) {
	fmt.Fprintf(w, "redis_version:%s\r\nbalsa_version:%s\r\nredis_mode:standalone\r\nprocess_id:%d\r\nuptime_in_seconds:%d\r\n",
		redisVersion, s.cfg.Version, os.Getpid(), int(time.Since(s.started).Seconds()))
}

func (s *Server) infoClients(w *strings.Builder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, "connected_clients:%d\r\nmaxclients:%d\r\n", len(s.sessions), s.cfg.ClientsMax)
}

func (s *Server) infoRaft(w *strings.Builder) {
	status := s.cfg.Group.Status()
	fmt.Fprintf(w, "node:%d\r\nrole:%s\r\nterm:%d\r\nleader:%d\r\ncommit_index:%d\r\napplied_index:%d\r\n",
		status.ID, status.Role, status.Term, status.Leader, status.CommitIndex, status.AppliedIndex)
}

func (s *Server) infoKeyspace(w *strings.Builder) {
	if s.cfg.Keys == nil {
		return
	}
	if keys := s.cfg.Keys(); keys > 0 {
		fmt.Fprintf(w, "db0:keys=%d,expires=0,avg_ttl=0\r\n", keys)
	}
}
