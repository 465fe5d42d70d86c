// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"strings"

	"github.com/balsa-raft/raft"
)

// player applies commands to a machine, one entry each.
type player struct {
	machine *Machine
	index   raft.Index
}

func newPlayer() *player { return &player{machine: NewMachine()} }

func (p *player) do(c Command) string {
	p.index++
	return string(p.machine.Apply([]raft.Entry{{Index: p.index, Data: c.Append(nil)}})[0])
}

// op makes a command of words.
func op(op Op, words ...string) Command {
	c := Command{Op: op}
	for _, word := range words {
		c.Args = append(c.Args, []byte(word))
	}
	return c
}

// at gives the command a clock and an expiry in so many milliseconds.
func (c Command) at(now, ttl int64) Command {
	c.Now = now
	if ttl != 0 {
		c.Flags |= FlagRelative
		c.Number = ttl
	}
	return c
}

// bulks returns the bulk strings of a reply, in order.
func bulks(reply string) (texts []string) {
	lines := strings.Split(reply, "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "$") && i+1 < len(lines) {
			texts = append(texts, lines[i+1])
		}
	}
	return texts
}
