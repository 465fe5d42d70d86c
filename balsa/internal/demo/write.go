// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

// kind is a kind of write: each can tell something that the others cannot.
type kind uint8

const (
	// set writes a key of its own: if it is lost, the key is missing.
	set kind = iota
	// incr counts: if it is lost or applied twice, the count is wrong.
	incr
	// appendToken appends a token of its own to a value: if it is applied twice, the
	// token is there twice.
	appendToken
)

// mix is the order in which a client's kinds of writes take turns.
var mix = [...]kind{set, incr, set, appendToken}

// tokensPerKey bounds the length of the values that grow.
const tokensPerKey = 1000

// write is one write of one client. The number counts the writes of its kind, but for incr.
type write struct {
	kind   kind
	number int
}

func setKey(client, number int) string { return fmt.Sprintf("set:%d:%d", client, number) }

func countKey(client int) string { return fmt.Sprintf("count:%d", client) }

func logKey(client, number int) string {
	return fmt.Sprintf("log:%d:%d", client, number/tokensPerKey)
}

// queue queues the write's command.
func (w write) queue(to *client.Client, id int) {
	number := strconv.Itoa(w.number)
	switch w.kind {
	case set:
		to.Queue("SET", setKey(id, w.number), number)
	case incr:
		to.Queue("INCR", countKey(id))
	case appendToken:
		to.Queue("APPEND", logKey(id, w.number), number+";")
	}
}

// next notes a new write, as one that was not sent yet.
func (l *ledger) next(k kind) write {
	switch k {
	case set:
		l.sets = append(l.sets, refused)
		return write{kind: set, number: len(l.sets) - 1}
	case appendToken:
		l.appends = append(l.appends, refused)
		return write{kind: appendToken, number: len(l.appends) - 1}
	}
	return write{kind: incr}
}

// note notes what became of a write that was sent.
func (l *ledger) note(w write, what outcome) {
	switch w.kind {
	case set:
		l.sets[w.number] = what
	case appendToken:
		l.appends[w.number] = what
	case incr:
		l.incrs[what]++
	}
}

// noteReply notes what a server's reply says of a write, and returns it.
func (l *ledger) noteReply(w write, reply client.Reply) outcome {
	what := acknowledged
	if reply.IsError() {
		what = outcomeOf(reply.Text)
		if what == unknown && !strings.HasPrefix(reply.Text, "UNKNOWN ") {
			l.complaint = reply.Text
		}
	} else if w.kind == incr {
		l.checkCount(reply)
	}
	l.note(w, what)
	return what
}

// outcomeOf goes by the first word of an error.
func outcomeOf(text string) outcome {
	word, _, _ := strings.Cut(text, " ")
	switch word {
	case "TRYAGAIN", "CLUSTERDOWN":
		return refused
	}
	return unknown
}

// checkCount checks that a counter which only this client counts goes up and up.
func (l *ledger) checkCount(reply client.Reply) {
	n, err := strconv.ParseInt(reply.Text, 10, 64)
	if err != nil || n <= l.lastCount {
		l.wrong++
		l.complaint = fmt.Sprintf("INCR returned %s after %d", reply, l.lastCount)
		return
	}
	l.lastCount = n
}
