// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	// groups is how many groups of clients there are, each with its own keys, and
	// groupClients how many clients are in one. Few clients on a key make it quick
	// to decide whether its history is linearizable.
	groups       = 3
	groupClients = 4
	// keyOperationsMax and keyUnknownMax are after how many operations, all and those
	// of unknown outcome, a group goes on to a fresh key.
	keyOperationsMax = 80
	keyUnknownMax    = 5
	// pauseMax bounds the pause of a client between two operations.
	pauseMax = 20 * time.Millisecond
	// clientTimeout is how long a client waits for an answer. It is shorter than the
	// servers try, so that some take effect long after the client has gone.
	clientTimeout = time.Second
)

// Load is clients that read and write until they are stopped.
type Load struct {
	history *History
	nodes   []string
	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	problems []error
}

// StartLoad starts clients of the nodes with the given addresses, which draw what they
// do from the seed. The load must be stopped.
func StartLoad(history *History, nodes []string, seed uint64) *Load {
	l := &Load{history: history, nodes: nodes}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for g := range groups {
		keys := newKeyring(fmt.Sprintf("g%d", g))
		for i := range groupClients {
			id := g*groupClients + i
			c := &loader{load: l, id: id, keys: keys, rng: rand.New(rand.NewPCG(seed, uint64(id)))}
			l.running.Go(func() { c.run(ctx) })
		}
	}
	return l
}

// Stop lets the clients finish what they wait for. The error says that a server gave an
// answer that makes no sense.
func (l *Load) Stop() error {
	l.stop()
	l.running.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.problems...)
}

func (l *Load) complain(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const problemsMax = 10
	if len(l.problems) < problemsMax {
		l.problems = append(l.problems, err)
	}
}

// loader is one client.
type loader struct {
	load *Load
	id   int
	keys *keyring
	rng  *rand.Rand
	sent int // operations, so that each gets an argument of its own

	node int // whom it is connected to, from 0 on
	conn *client.Client
}

func (c *loader) run(ctx context.Context) {
	defer c.leave()
	for ctx.Err() == nil {
		if c.conn == nil || c.rng.IntN(20) == 0 {
			c.move()
		}
		if c.conn != nil {
			c.turn()
		}
		pass(rand.N(pauseMax))
	}
}

// move connects to some node. One that is down makes it stay without connection.
func (c *loader) move() {
	c.leave()
	c.node = c.rng.IntN(len(c.load.nodes))
	if conn, err := client.Dial(c.load.nodes[c.node], clientTimeout); err == nil {
		c.conn = conn
	}
}

func (c *loader) leave() {
	if c.conn != nil {
		_ = c.conn.Close() // Nothing is expected of it any more.
		c.conn = nil
	}
}

// turn sends one operation, or sometimes several at once, and waits for the answers.
func (c *loader) turn() {
	operations := c.draw()
	called := c.load.history.Now()
	for i := range operations {
		operations[i].Call = called
		c.conn.Queue(commandOf(&operations[i])...)
	}
	err := c.conn.Flush()
	for i := range operations {
		o := &operations[i]
		var reply client.Reply
		if err == nil {
			reply, err = c.conn.Receive()
		}
		o.Return = c.load.history.Now()
		if err != nil {
			o.Outcome, o.Result = Unknown, err.Error()
		} else if err := classify(o, reply); err != nil {
			c.load.complain(err)
		}
		c.load.history.Add(*o)
		c.keys.account(o)
	}
	if err != nil {
		c.leave()
	}
}

// draw returns operations on different keys.
func (c *loader) draw() []Operation {
	families := c.rng.Perm(len(kindsOf))
	if c.rng.IntN(4) > 0 {
		families = families[:1]
	}
	operations := make([]Operation, len(families))
	for i, family := range families {
		kinds := kindsOf[family]
		o := Operation{Client: c.id, Node: c.node + 1, Key: c.keys.key(family), Kind: kinds[c.rng.IntN(len(kinds))]}
		if o.Kind != Get && o.Kind != Increment {
			c.sent++
			o.Argument = fmt.Sprintf("%d-%d;", c.id, c.sent)
		}
		operations[i] = o
	}
	return operations
}

// commandOf writes an operation in Redis's words.
func commandOf(o *Operation) []string {
	switch o.Kind {
	case Set:
		return []string{"SET", o.Key, o.Argument}
	case Swap:
		return []string{"GETSET", o.Key, o.Argument}
	case Increment:
		return []string{"INCR", o.Key}
	case Append:
		return []string{"APPEND", o.Key, o.Argument}
	}
	return []string{"GET", o.Key}
}

// classify takes the outcome from a reply. The error is about one that docs/balsa.md
// does not allow.
func classify(o *Operation, reply client.Reply) error {
	o.Result = reply.Text
	if !reply.IsError() {
		o.Outcome = Applied
		return nil
	}
	switch word, _, _ := strings.Cut(reply.Text, " "); word {
	case "TRYAGAIN", "CLUSTERDOWN":
		o.Outcome = Refused
		return nil
	case "UNKNOWN":
		o.Outcome = Unknown
		return nil
	}
	o.Outcome = Unknown
	return fmt.Errorf("chaos: a reply that is none to this command: %v", o)
}
