// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Bounds of what strangers can make this node log: at most journalKeysMax lines a
// journalPeriod, and one for each key.
const (
	journalPeriod  = time.Minute
	journalKeysMax = 256
)

// journal logs what others can cause, and may cause often, without flooding.
type journal struct {
	logger *slog.Logger

	mu     sync.Mutex
	since  time.Time
	logged map[string]bool // keys that were logged since then
	missed int             // lines that were not
}

func newJournal(logger *slog.Logger) *journal {
	return &journal{logger: logger, logged: make(map[string]bool)}
}

// warn logs a warning, unless the same message with the same key was logged lately.
func (j *journal) warn(message, key string, args ...any) {
	j.log(slog.LevelWarn, message, key, args...)
}

// log is warn at any level.
func (j *journal) log(level slog.Level, message, key string, args ...any) {
	if missed, due := j.isDue(message+"\x00"+key, time.Now()); due {
		if missed > 0 {
			args = append(args, "suppressed", missed)
		}
		j.logger.Log(context.Background(), level, message, args...)
	}
}

// isDue reports whether a line with this key is to be logged now, and how many
// have been missed before.
func (j *journal) isDue(key string, now time.Time) (missed int, due bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if now.Sub(j.since) >= journalPeriod {
		j.since = now
		clear(j.logged)
	}
	if j.logged[key] || len(j.logged) >= journalKeysMax {
		j.missed++
		return 0, false
	}
	j.logged[key] = true
	missed, j.missed = j.missed, 0
	return missed, true
}

// reason returns what is wrong without the addresses that net's errors begin with:
// local ports differ each time, and would make each error a new one.
func reason(err error) string {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Op + ": " + operation.Err.Error()
	}
	return err.Error()
}
