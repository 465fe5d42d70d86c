// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// local answers a command that does not go through the log.
func (s *session) local(spec *command.Spec, args [][]byte) []byte {
	switch spec.Name {
	case "ping":
		return ping(args)
	case "echo":
		return redcon.AppendBulk(nil, args[1])
	case "select":
		return selectDB(args[1])
	case "quit":
		s.quit = true
		return redcon.AppendOK(nil)
	case "hello":
		return s.hello(args[1:])
	case "client":
		return s.client(args)
	case "command":
		return commandInfo(args)
	case "config":
		return s.server.config(args)
	case "info":
		return s.server.info(args[1:])
	}
	return replyError(fmt.Sprintf("ERR command '%s' is not served", spec.Name))
}

func replyError(text string) []byte { return redcon.AppendError(nil, text) }

func ping(args [][]byte) []byte {
	switch len(args) {
	case 1:
		return redcon.AppendString(nil, "PONG")
	case 2:
		return redcon.AppendBulk(nil, args[1])
	}
	return replyError(command.ErrorArguments("ping").Error())
}

// selectDB accepts the one database there is.
func selectDB(arg []byte) []byte {
	n, ok := kv.ParseInteger(arg)
	switch {
	case !ok:
		return replyError(command.ErrNotInteger.Error())
	case n != 0:
		return replyError("ERR DB index is out of range")
	}
	return redcon.AppendOK(nil)
}

// unknownSubcommand quotes the subcommand, without what would break the line.
func unknownSubcommand(name string, args [][]byte) []byte {
	return replyError(fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", command.Clean(args[1]), name))
}
