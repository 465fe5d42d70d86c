// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
)

const (
	// rivalTimeout is how long to wait for what the others say when one has said that it leads: it may
	// have been elected away, and not know that yet.
	rivalTimeout = 200 * time.Millisecond
	// viewTimeout is how long to wait for a node if none has said so.
	viewTimeout = 2 * time.Second
)

// view is what a node says of itself, or why it says nothing.
type view struct {
	at      int // Its place among the addresses.
	address string
	Status
	err error
}

func (v *view) leads() bool { return v.err == nil && v.Role == raft.RoleLeader.String() }

// errLate means that a node had not answered when others had.
var errLate = errors.New("it has not answered yet")

// look asks all nodes at once, and waits until all have answered or a little longer than until one of them leads.
func (c *Client) look(ctx context.Context) []view {
	views, answers := make([]view, len(c.Addresses)), make(chan view, len(c.Addresses))
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	for i, address := range c.Addresses {
		views[i] = view{at: i, address: address, err: errLate}
		asking.Go(func() { answers <- c.view(ctx, i) })
	}
	var late <-chan time.Time
	for range c.Addresses {
		select {
		case v := <-answers:
			if views[v.at] = v; v.leads() && late == nil {
				late = time.After(rivalTimeout)
			}
		case <-late:
			return views
		}
	}
	return views
}

func (c *Client) view(ctx context.Context, at int) view {
	v := view{at: at, address: c.Addresses[at]}
	answer, err := c.ask(ctx, v.address, http.MethodGet, "status", nil)
	if err == nil {
		err = json.Unmarshal(answer.Text, &v.Status)
	}
	v.err = err
	return v
}
