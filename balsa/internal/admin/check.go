// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/balsa-raft/raft"
)

// errMalformed means that a request is no good, whoever gets it.
var errMalformed = errors.New("admin: malformed request")

// CheckAddress returns an error unless other nodes could be told to connect to an address: a
// HOST:PORT with a port from 1 to 65535, or the name of one.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%q is not of the form HOST:PORT", address)
	}
	if number, err := net.LookupPort("tcp", port); err != nil || number == 0 {
		return fmt.Errorf("%q: there is no port %s", address, port)
	}
	return nil
}

// checkID wants the ID of a node.
func checkID(id raft.NodeID) error {
	if id == 0 {
		return fmt.Errorf("%w: the id of a node is needed, from 1 on", errMalformed)
	}
	return nil
}

// checkMember wants the ID and the address of a member that is to be.
func checkMember(m Member) error {
	if m.ID == 0 || m.Address == "" {
		return fmt.Errorf("%w: a member needs an id, from 1 on, and an address", errMalformed)
	}
	if err := CheckAddress(m.Address); err != nil {
		return fmt.Errorf("%w: member %d: %w", errMalformed, m.ID, err)
	}
	return nil
}

// checkSet wants at least one voter, and no node twice.
func checkSet(voters, learners []Member) error {
	if len(voters) == 0 {
		return fmt.Errorf("%w: there has to be a voter", errMalformed)
	}
	var seen []raft.NodeID
	for _, m := range slices.Concat(voters, learners) {
		if slices.Contains(seen, m.ID) {
			return fmt.Errorf("%w: node %d is there twice", errMalformed, m.ID)
		}
		seen = append(seen, m.ID)
	}
	return nil
}

// checkLeads returns an error unless this node leads. Another one may be behind, or have been left out of the
// group, so that what it could say about the members would be wrong.
func (c *Config) checkLeads() error {
	if status := c.Status(); status.Role != raft.RoleLeader {
		return notLeader(&status)
	}
	return nil
}

// checkQuery wants no other parameters than those of the names.
func checkQuery(query url.Values, names ...string) error {
	for name, values := range query {
		if !slices.Contains(names, name) || len(values) > 1 {
			return fmt.Errorf("%w: parameter %.40q is not known, or there more than once", errMalformed, name)
		}
	}
	return nil
}

// timeoutOf returns for how long a command is waited for.
func timeoutOf(r *http.Request, patience time.Duration) (time.Duration, error) {
	query := r.URL.Query()
	if err := checkQuery(query, "timeout"); err != nil {
		return 0, err
	}
	text := query.Get("timeout")
	if text == "" {
		return patience, nil
	}
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 || timeout > TimeoutMax {
		return 0, fmt.Errorf("%w: timeout %.40q is not a time such as 30s, up to %v", errMalformed, text, TimeoutMax)
	}
	return timeout, nil
}

// readRequest reads the JSON of a request. Nothing at all is the zero request.
func readRequest(w http.ResponseWriter, r *http.Request, request any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(request)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.Join(errors.New("there is more behind it"), err)
	}
	var mistyped *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &mistyped):
		err = fmt.Errorf("%q cannot be %s", mistyped.Field, mistyped.Value)
	case errors.As(err, &tooLarge):
		err = fmt.Errorf("it has more than %d bytes", tooLarge.Limit)
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}
