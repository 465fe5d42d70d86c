// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balsa-raft/raft/internal/core"
)

// troublesMax bounds how many troubles are remembered.
const troublesMax = 8

// Trouble is something that a group has logged as a warning or an error.
type Trouble struct {
	// What is the message, with the details of the last time.
	What string
	// Count is how often it was logged since the group was started, or since it was forgotten, and Ago
	// is how long ago that was last. What has not come for long is forgotten when there is too much else.
	Count uint64
	Ago   time.Duration
}

// troubles remembers the last ones of different messages. It may be used by any goroutine.
type troubles struct {
	mu    sync.Mutex
	items []troubleItem // the one that came last is the last
}

type troubleItem struct {
	message, what string
	count         uint64
	at            core.Instant
}

func (t *troubles) add(message, what string, now core.Instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	item := troubleItem{message: message}
	if i := slices.IndexFunc(t.items, func(known troubleItem) bool { return known.message == message }); i >= 0 {
		item = t.items[i]
		t.items = slices.Delete(t.items, i, i+1)
	} else if len(t.items) == troublesMax {
		t.items = slices.Delete(t.items, 0, 1)
	}
	item.what, item.at = what, now
	item.count++
	t.items = append(t.items, item)
}

// describe says what they are at a moment, the last first.
func (t *troubles) describe(now core.Instant) []Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	var described []Trouble
	for _, item := range slices.Backward(t.items) {
		described = append(described, Trouble{What: item.what, Count: item.count, Ago: time.Duration(now - item.at)})
	}
	return described
}

// troubleHandler passes on all that is logged, and remembers the troubles.
type troubleHandler struct {
	slog.Handler
	troubles *troubles
	now      func() core.Instant
}

// logTo returns a logger that passes on to another one, and remembers the troubles.
func (t *troubles) logTo(logger *slog.Logger, now func() core.Instant) *slog.Logger {
	return slog.New(troubleHandler{Handler: logger.Handler(), troubles: t, now: now})
}

// Enabled reports whether the record is for the handler behind this one, or is trouble.
func (h troubleHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.Handler.Enabled(ctx, level)
}

// Handle remembers trouble.
func (h troubleHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.troubles.add(r.Message, describeRecord(&r), h.now())
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs adds to what is passed on; what is remembered does without.
func (h troubleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

// WithGroup is as WithAttrs.
func (h troubleHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// describeRecord writes a record for people.
func describeRecord(r *slog.Record) string {
	var text strings.Builder
	text.WriteString(r.Message)
	separator := " ("
	r.Attrs(func(a slog.Attr) bool {
		text.WriteString(separator + a.Key + ": " + a.Value.String())
		separator = ", "
		return true
	})
	if separator == ", " {
		text.WriteString(")")
	}
	return text.String()
}
