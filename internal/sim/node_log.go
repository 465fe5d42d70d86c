// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"log/slog"
	"strings"
)

// logger writes what the node logs into the transcript, without the time of day.
func (n *node) logger() *slog.Logger {
	if n.w.out == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(lineWriter{n}, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == "node" || a.Key == "group") {
				return slog.Attr{}
			}
			return a
		},
	}))
}

type lineWriter struct{ n *node }

func (l lineWriter) Write(line []byte) (int, error) {
	l.n.w.say(l.n.id, "%s", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
