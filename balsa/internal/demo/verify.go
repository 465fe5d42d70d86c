// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

// tally is what was found of the writes.
type tally struct {
	acknowledged, unknown, lost, duplicated int
	complaint                               string
}

// keysPerRead is how many keys are read with one command.
const keysPerRead = 500

// verify looks for the writes of all clients on one node, by linearizable reads.
func (l *load) verify(address string) (tally, error) {
	var t tally
	conn, err := client.Dial(address, clientTimeout)
	if err != nil {
		return t, err
	}
	defer conn.Close()
	for id := range l.ledgers {
		if err := t.verifyClient(conn, id, &l.ledgers[id]); err != nil {
			return t, fmt.Errorf("demo: look for the writes of client %d: %w", id, err)
		}
	}
	return t, nil
}

func (t *tally) verifyClient(conn *client.Client, id int, l *ledger) error {
	t.acknowledged += l.count(acknowledged)
	t.unknown += l.count(unknown)
	t.duplicated += l.wrong
	if l.complaint != "" {
		t.complaint = l.complaint
	}
	if err := t.verifySets(conn, id, l); err != nil {
		return err
	}
	if err := t.verifyAppends(conn, id, l); err != nil {
		return err
	}
	return t.verifyCount(conn, id, l)
}

func (t *tally) verifySets(conn *client.Client, id int, l *ledger) error {
	for from := 0; from < len(l.sets); from += keysPerRead {
		to := min(from+keysPerRead, len(l.sets))
		keys := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			keys = append(keys, setKey(id, i))
		}
		values, err := readAll(conn, keys)
		if err != nil {
			return err
		}
		for i, value := range values {
			times := 0
			if !value.Null {
				times = 1
			}
			if times == 1 && value.Text != strconv.Itoa(from+i) {
				t.complaint = fmt.Sprintf("%s is %q", keys[i], value.Text)
			}
			t.judge(l.sets[from+i], times)
		}
	}
	return nil
}

func (t *tally) verifyAppends(conn *client.Client, id int, l *ledger) error {
	var keys []string
	for i := 0; i < len(l.appends); i += tokensPerKey {
		keys = append(keys, logKey(id, i))
	}
	found := make([]int, len(l.appends))
	for len(keys) > 0 {
		n := min(len(keys), keysPerRead)
		values, err := readAll(conn, keys[:n])
		if err != nil {
			return err
		}
		for _, value := range values {
			t.countTokens(value.Text, found)
		}
		keys = keys[n:]
	}
	for i, times := range found {
		t.judge(l.appends[i], times)
	}
	return nil
}

// countTokens counts how often each token is in a value.
func (t *tally) countTokens(value string, found []int) {
	for token := range strings.SplitSeq(strings.TrimSuffix(value, ";"), ";") {
		if token == "" {
			continue
		}
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(found) {
			t.complaint = fmt.Sprintf("a token %q that nobody wrote", token)
			continue
		}
		found[i]++
	}
}

// judge compares how often a write is there with how often it may be.
func (t *tally) judge(what outcome, times int) {
	switch what {
	case acknowledged:
		t.lost += max(0, 1-times)
		t.duplicated += max(0, times-1)
	case unknown:
		t.duplicated += max(0, times-1)
	case refused:
		t.duplicated += times
	}
}

func (t *tally) verifyCount(conn *client.Client, id int, l *ledger) error {
	values, err := readAll(conn, []string{countKey(id)})
	if err != nil {
		return err
	}
	count := 0
	if !values[0].Null {
		if count, err = strconv.Atoi(values[0].Text); err != nil {
			return fmt.Errorf("counter: %w", err)
		}
	}
	t.lost += max(0, l.incrs[acknowledged]-count)
	t.duplicated += max(0, count-l.incrs[acknowledged]-l.incrs[unknown])
	return nil
}

func readAll(conn *client.Client, keys []string) ([]client.Reply, error) {
	reply, err := conn.Do(append([]string{"MGET"}, keys...)...)
	if err != nil {
		return nil, err
	}
	if reply.IsError() || len(reply.Items) != len(keys) {
		return nil, fmt.Errorf("MGET of %d keys: %.100s", len(keys), reply)
	}
	return reply.Items, nil
}
