// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/balsa-raft/raft"
)

// Bounds of a client.
const (
	// answerBytesMax bounds an answer that is read whole.
	answerBytesMax = 16 << 20
	// retryInterval is how long Lead waits before it asks all nodes again.
	retryInterval = 100 * time.Millisecond
	// lookTimeout bounds what only looks, so that a node that hangs does not hold up the rest.
	lookTimeout = 5 * time.Second
)

// Client asks the admin ports of some nodes of a cluster. It may be used by several goroutines.
type Client struct {
	// Addresses are those of the ports, each a HOST:PORT. There is at least one.
	Addresses []string
	// Token is what the ports demand, empty if nothing.
	Token string
	// TLS, unless it is nil, makes the client speak TLS: see ClientTLS.
	TLS *tls.Config
}

// Answer is what a node has answered.
type Answer struct {
	// Address is whose.
	Address string
	// Status is the one of HTTP: 200, or 202 for a change that goes on.
	Status int
	// Text is the JSON.
	Text []byte
}

// Open asks for what is too large to be read whole. The caller closes the body.
func (c *Client) Open(ctx context.Context, address, path string) (io.ReadCloser, error) {
	response, err := c.send(ctx, address, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close() // It is an error already.
		text, _ := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
		return nil, fmt.Errorf("%s answers: %w", address, errorOf(response.StatusCode, text))
	}
	return response.Body, nil
}

// Look asks one node.
func (c *Client) Look(ctx context.Context, address, path string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return c.ask(ctx, address, http.MethodGet, path, nil)
}

// Command has one node carry out a command. It is not repeated.
func (c *Client) Command(ctx context.Context, address, path string, request any) (Answer, error) {
	return c.ask(ctx, address, http.MethodPost, path, request)
}

// Lead has the leader carry out a command (or look, if request is nil), whichever of the nodes
// that is, and asks again for as long as the patience if none leads. If a leader is lost in the middle, the next is
// asked for the same: commands may be repeated, but that who was to be removed by one of them may
// be gone by then.
func (c *Client) Lead(ctx context.Context, patience time.Duration, path string, request any) (Answer, error) {
	s := search{client: c, path: path, request: request}
	for begun := time.Now(); ; {
		if answer, found, err := s.round(ctx); found || err != nil {
			return answer, err
		}
		if time.Since(begun) >= patience {
			return Answer{}, fmt.Errorf("no leader was found: %w", errors.Join(s.problems...))
		}
		timer := time.NewTimer(retryInterval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Answer{}, fmt.Errorf("no leader was found: %w", errors.Join(s.problems...))
		}
	}
}

// search is the work of Lead.
type search struct {
	client  *Client
	path    string
	request any
	// problems are those of the last round.
	problems []error
	// isUnsure says that a node may have begun with the command.
	isUnsure bool
}

// round asks each of the nodes once. It returns an error if there is no point in another round.
func (s *search) round(ctx context.Context) (answer Answer, found bool, err error) {
	s.problems = nil
	asked, claimed := map[raft.NodeID]bool{}, raft.NodeID(0)
	for _, address := range s.client.Addresses {
		answer, err := s.ask(ctx, address)
		var failure *Error
		switch {
		case err == nil:
			return answer, true, nil
		case !errors.As(err, &failure):
			s.isUnsure = s.isUnsure || s.request != nil && !errors.Is(err, syscall.ECONNREFUSED)
		case failure.Code == CodeNotMember && s.isUnsure:
			return Answer{Address: address, Status: http.StatusOK, Text: []byte(`{"state":"done"}`)}, true, nil
		case failure.Code == CodeNotLeader:
			asked[failure.Node] = true
			claimed = max(claimed, failure.Leader)
		case failure.Code != CodeTooEarly && failure.Code != CodeStopped:
			return Answer{}, false, err
		}
		s.problems = append(s.problems, fmt.Errorf("%s: %w", address, err))
	}
	if len(asked) == len(s.client.Addresses) && claimed != 0 && !asked[claimed] {
		return Answer{}, false, fmt.Errorf("node %d leads, whose admin address is not among those given with --admin", claimed)
	}
	return Answer{}, false, nil
}

func (s *search) ask(ctx context.Context, address string) (Answer, error) {
	if s.request == nil {
		return s.client.Look(ctx, address, s.path)
	}
	return s.client.Command(ctx, address, s.path, s.request)
}

// ask asks a node, and reads its answer.
func (c *Client) ask(ctx context.Context, address, method, path string, request any) (Answer, error) {
	response, err := c.send(ctx, address, method, path, request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close() // It has been read.
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return Answer{}, fmt.Errorf("admin: read the answer of %s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted {
		return Answer{}, errorOf(response.StatusCode, text)
	}
	return Answer{Address: address, Status: response.StatusCode, Text: text}, nil
}

func (c *Client) send(ctx context.Context, address, method, path string, request any) (*http.Response, error) {
	var body io.Reader
	if request != nil {
		text, err := json.Marshal(request)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.scheme()+address+"/"+path, body)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.TLS == nil {
		return http.DefaultClient.Do(r)
	}
	once := http.Transport{TLSClientConfig: c.TLS, DisableKeepAlives: true}
	return once.RoundTrip(r)
}

func (c *Client) scheme() string {
	if c.TLS == nil {
		return "http://"
	}
	return "https://"
}

// errorOf makes an error of an answer that is one.
func errorOf(status int, text []byte) error {
	var answer struct {
		Error *Error `json:"error"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Error == nil {
		return &Error{Status: status, Code: CodeFailed, Message: fmt.Sprintf("status %d: %.1000s", status, bytes.TrimSpace(text))}
	}
	answer.Error.Status = status
	return answer.Error
}
