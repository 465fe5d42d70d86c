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
	"net"
	"net/http"
	"time"
)

// Bounds of a client.
const (
	// answerBytesMax bounds an answer that is read whole.
	answerBytesMax = 16 << 20
	// dialTimeout bounds the connecting.
	dialTimeout = 5 * time.Second
	// openTimeout bounds how long it takes until the answer to Open begins.
	openTimeout = time.Minute
	// lookTimeout bounds what only looks, so that a node that hangs does not hold up the rest.
	lookTimeout = 5 * time.Second
)

// ErrUnsure means that a node was asked to do something, and that it is not known whether it has.
var ErrUnsure = errors.New("admin: whether it was begun is not known")

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
	response, err := c.send(ctx, address, http.MethodGet, path, nil, openTimeout)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
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

// Command has one node carry out a command. It is not repeated. If the node was reached and has not answered,
// the error wraps ErrUnsure.
func (c *Client) Command(ctx context.Context, address, path string, request any) (Answer, error) {
	answer, err := c.ask(ctx, address, http.MethodPost, path, request)
	if isUnsure(err) {
		err = fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return answer, err
}

// ask asks a node, and reads its answer.
func (c *Client) ask(ctx context.Context, address, method, path string, request any) (Answer, error) {
	response, err := c.send(ctx, address, method, path, request, 0)
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

// send sends a request. Unless it is zero, the timeout bounds how long it takes until the answer begins.
func (c *Client) send(ctx context.Context, address, method, path string, request any, timeout time.Duration) (*http.Response, error) {
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
	once := http.Transport{
		DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig: c.TLS, TLSHandshakeTimeout: dialTimeout, DisableKeepAlives: true, ResponseHeaderTimeout: timeout,
	}
	return once.RoundTrip(r)
}

// isUnsure reports whether a request that failed may have been sent, and was not refused.
func isUnsure(err error) bool {
	var refused *Error
	var failed *net.OpError
	isUnreached := errors.As(err, &failed) && failed.Op == "dial"
	return err != nil && !errors.As(err, &refused) && !isUnreached && !isTLSRefusal(err)
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
