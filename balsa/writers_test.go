// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	// writersCount is how many clients write.
	writersCount = 3
	// writeTimeout bounds one attempt, and pauseMax all attempts for one write: longer than that is
	// a write that has failed.
	writeTimeout = 10 * time.Second
	pauseMax     = 10 * time.Second
	// writeInterval is how long a writer rests, so that the machine has something left.
	writeInterval = 2 * time.Millisecond
)

// writers are clients that write one key after the other, each to a node until that fails, then to
// the next. A write is repeated until it is acknowledged: SET may be.
type writers struct {
	t    *testing.T
	stop chan struct{}
	done sync.WaitGroup

	mu sync.Mutex
	// addresses are those of the nodes that clients are to use.
	addresses []string
	found     report
}

// report says what the writers have seen.
type report struct {
	acknowledged int
	// longest is the longest time between two acknowledged writes of a writer.
	longest time.Duration
	// retried counts, by the first word of the answer, what had to be repeated.
	retried map[string]int
	keys    []string
}

func newWriters(t *testing.T) *writers {
	w := &writers{t: t, stop: make(chan struct{}), found: report{retried: make(map[string]int)}}
	t.Cleanup(w.end)
	return w
}

// begin starts the writers when there is a node to use.
func (w *writers) begin(address string) {
	w.join(address)
	for n := range writersCount {
		w.done.Go(func() { w.write(n) })
	}
}

// end stops them. It may be called again.
func (w *writers) end() {
	w.mu.Lock()
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	w.mu.Unlock()
	w.done.Wait()
}

func (w *writers) join(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addresses = append(w.addresses, address)
}

func (w *writers) leave(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addresses = slices.DeleteFunc(w.addresses, func(a string) bool { return a == address })
}

// use returns the address that a writer is to use in place of the one that it has used. It is another one if
// that has failed it, or is not to be used any more.
func (w *writers) use(address string, turn int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.addresses, address) {
		return address
	}
	return w.addresses[turn%len(w.addresses)]
}

// reset forgets the longest pause, and returns what it was.
func (w *writers) reset() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest := w.found.longest
	w.found.longest = 0
	return longest
}

func (w *writers) report() report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.found
}

// write is one writer.
func (w *writers) write(n int) {
	var conn *client.Client
	address, turn, last := "", n, time.Time{}
	hangUp := func() {
		if conn != nil {
			conn.Close()
		}
		conn = nil
	}
	defer hangUp()
	tick := time.NewTicker(writeInterval)
	defer tick.Stop()
	for count, key := 0, ""; ; {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		if next := w.use(address, turn); next != address {
			hangUp()
			address = next
		}
		if key == "" {
			key = fmt.Sprintf("writer%d:%d", n, count)
		}
		var answer string
		conn, answer = send(conn, address, key)
		if answer != "+OK" {
			hangUp()
			address, turn = "", turn+1
		}
		if !w.saw(answer, key, &last) {
			return
		}
		if answer == "+OK" {
			count, key = count+1, ""
		}
	}
}

// send writes a key, and returns the answer, or what kept it from coming.
func send(conn *client.Client, address, key string) (*client.Client, string) {
	if conn == nil {
		var err error
		if conn, err = client.Dial(address, writeTimeout); err != nil {
			return nil, "-CONNECT " + err.Error()
		}
	}
	reply, err := conn.Do("SET", key, key)
	if err != nil {
		return conn, "-LOST " + err.Error()
	}
	return conn, reply.String()
}

// saw records an answer, and reports whether the writer may go on.
func (w *writers) saw(answer, key string, last *time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	pause := time.Duration(0)
	if !last.IsZero() {
		pause = now.Sub(*last)
	}
	w.found.longest = max(w.found.longest, pause)
	word, _, _ := strings.Cut(strings.TrimPrefix(answer, "-"), " ")
	switch {
	case answer == "+OK":
		w.found.acknowledged++
		w.found.keys = append(w.found.keys, key)
		*last = now
		return true
	case pause > pauseMax || !slices.Contains([]string{"TRYAGAIN", "CLUSTERDOWN", "UNKNOWN", "LOST", "CONNECT"}, word):
		w.t.Errorf("a write failed after %v: %s", pause, answer)
		return false
	}
	if w.found.retried[word]++; word == "UNKNOWN" {
		w.t.Logf("%s, to be written again after %v: %s", key, pause, answer)
	}
	return true
}

// check looks for everything that was acknowledged, on one of the nodes.
func (w *writers) check() {
	w.t.Helper()
	conn, err := client.Dial(w.use("", 0), testTimeout)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	const together = 500
	lost := 0
	for keys := range slices.Chunk(w.report().keys, together) {
		for _, key := range keys {
			conn.Queue("GET", key)
		}
		if err := conn.Flush(); err != nil {
			w.t.Fatal(err)
		}
		for _, key := range keys {
			reply, err := conn.Receive()
			if err != nil {
				w.t.Fatal(err)
			}
			if reply.String() != key {
				lost++
				w.t.Logf("%s, which was acknowledged, is %q", key, reply)
			}
		}
	}
	if lost > 0 {
		w.t.Errorf("%d writes of %d were lost", lost, len(w.report().keys))
	}
}
