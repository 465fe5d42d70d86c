// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/balsa-raft/raft"
)

// retryInterval is how long Lead waits before it asks all nodes again.
const retryInterval = 100 * time.Millisecond

// Lead has the leader carry out a command (or look, if request is nil), whichever of the nodes that is,
// and looks for it for as long as the patience if none leads. A node that hangs does not hold it up. If a leader
// is lost in the middle, the next is asked for the same: commands may be repeated, but that who was to be removed
// by one of them may be gone by then. The same if it is removed, or
// ends, before it has seen the change through. The leader is told to wait for what is left of the patience.
func (c *Client) Lead(ctx context.Context, patience time.Duration, path string, request any) (Answer, error) {
	s := search{client: c, path: path, request: request, until: time.Now().Add(patience)}
	for {
		if answer, found, err := s.round(ctx); found || err != nil {
			return answer, err
		}
		if ctx.Err() != nil || !time.Now().Before(s.until) {
			return s.end(ctx)
		}
		timer := time.NewTimer(retryInterval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return s.end(ctx)
		}
	}
}

// search is the work of Lead.
type search struct {
	client  *Client
	path    string
	request any
	until   time.Time
	// problems are those of the last round.
	problems []error
	// isUnsure says that a node may have begun with the command.
	isUnsure bool
	// begun is the answer of a leader that has begun with a change, and has not seen the end of it.
	begun *Answer
}

// end is what Lead ends with if nobody has done it.
func (s *search) end(ctx context.Context) (Answer, error) {
	if s.begun != nil {
		return *s.begun, nil
	}
	err := errors.New("no leader was found")
	if s.isUnsure {
		err = ErrUnsure
	}
	problems := errors.Join(s.problems...)
	if ended := ctx.Err(); ended != nil && !errors.Is(problems, ended) {
		problems = errors.Join(problems, ended)
	}
	return Answer{}, fmt.Errorf("%w: %w", err, problems)
}

// round finds out who leads, and asks that one. It returns an error if there is no point in another round.
func (s *search) round(ctx context.Context) (answer Answer, found bool, err error) {
	s.problems = nil
	views := s.client.look(ctx)
	leader := -1
	for i := range views {
		if err := views[i].err; err != nil {
			s.problems = append(s.problems, fmt.Errorf("%s: %w", views[i].address, err))
		}
		if views[i].leads() && (leader < 0 || views[i].Term > views[leader].Term) {
			leader = i
		}
	}
	if leader < 0 {
		return Answer{}, false, s.pointless(views)
	}
	answer, err = s.ask(ctx, views[leader].address)
	var refused *Error
	switch {
	case err == nil && answer.Status == http.StatusAccepted && time.Now().Before(s.until):
		s.isUnsure, s.begun = true, &answer // It leads no longer, or ends. The next one sees the change through.
		return Answer{}, false, nil
	case err == nil:
		return answer, true, nil
	case !errors.As(err, &refused): // There may be another leader soon.
		s.isUnsure = s.isUnsure || s.request != nil && isUnsure(err)
	case refused.Code == CodeNotMember && s.isUnsure && s.wasDone(ctx, views[leader].address):
		return Answer{Address: views[leader].address, Status: http.StatusOK, Text: []byte(`{"state":"done"}`)}, true, nil
	case refused.Code == CodeStopped: // It may have begun before.
		s.isUnsure = s.isUnsure || s.request != nil
	case refused.Code == CodeOutdated && s.isUnsure: // By this command, perhaps.
		return Answer{}, false, fmt.Errorf("%w: %w", ErrUnsure, err)
	case refused.Code == CodeUnderWay && !views[leader].Membership.isChanging(): // It is about to be.
	case refused.Code != CodeNotLeader && refused.Code != CodeTooEarly:
		return Answer{}, false, err
	}
	s.problems = append(s.problems, fmt.Errorf("%s: %w", views[leader].address, err))
	return Answer{}, false, nil
}

// ask has the leader do it.
func (s *search) ask(ctx context.Context, address string) (Answer, error) {
	if s.request == nil {
		return s.client.Look(ctx, address, s.path)
	}
	left := (time.Until(s.until) + time.Second - 1).Truncate(time.Second)
	timeout := min(max(left, time.Second), TimeoutMax)
	return s.client.ask(ctx, address, http.MethodPost, s.path+"?timeout="+timeout.String(), s.request)
}

// wasDone reports whether a leader that was lost in the middle has done what was asked of it, if the next one
// says that somebody is no member: that is so if somebody was to be removed.
func (s *search) wasDone(ctx context.Context, address string) bool {
	switch request := s.request.(type) {
	case NodeRequest:
		return s.path == "remove"
	case ReplaceRequest:
		answer, err := s.client.Look(ctx, address, "members")
		var m Members
		if err == nil {
			err = json.Unmarshal(answer.Text, &m)
		}
		return err == nil && slices.ContainsFunc(m.Members, func(m MemberStatus) bool { return m.ID == request.By.ID })
	}
	return false
}

// pointless returns an error if no leader will be found however long one looks for it: all nodes have
// answered, and follow one that is not among them; or there is none that would answer.
func (s *search) pointless(views []view) error {
	answered, claimed, hopeless := map[raft.NodeID]bool{}, raft.NodeID(0), 0
	for i := range views {
		switch {
		case views[i].err == nil:
			answered[views[i].Node] = true
			claimed = max(claimed, views[i].Leader)
		case isHopeless(views[i].err):
			hopeless++
		}
	}
	switch {
	case hopeless == len(views):
		return errors.Join(s.problems...)
	case len(answered) == len(views) && claimed != 0 && !answered[claimed]:
		return fmt.Errorf("node %d leads, whose admin address is not among those given with --admin", claimed)
	}
	for i := range views {
		if views[i].err == nil {
			s.problems = append(s.problems, fmt.Errorf("%s: node %d does not lead", views[i].address, views[i].Node))
		}
	}
	return nil
}

// isHopeless reports whether to ask again would end in the same way: somebody answers, but is no admin port, or
// none that lets this client in.
func isHopeless(err error) bool {
	var refused *Error
	var syntax *json.SyntaxError
	var name *net.DNSError
	return errors.As(err, &refused) || errors.As(err, &syntax) || errors.As(err, &name) && name.IsNotFound || isTLSRefusal(err)
}

// tlsAlert is what crypto/tls calls it that the other side has refused the connection.
const tlsAlert = "remote error"

// isTLSRefusal reports whether one of the two sides does not trust the other, or speaks no TLS.
func isTLSRefusal(err error) bool {
	var unverified *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var plain tls.RecordHeaderError
	var failed *net.OpError
	return errors.As(err, &unverified) || errors.As(err, &unknown) || errors.As(err, &plain) ||
		errors.As(err, &failed) && failed.Op == tlsAlert
}
