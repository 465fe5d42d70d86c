// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// adminFlags are the flags of the commands that ask running nodes.
type adminFlags struct {
	addresses string
	tokenFile string
	tls       tlsFlags
	timeout   time.Duration
	json      bool
	yes       bool
}

// adminCommands are the commands of docs/admin.md.
func adminCommands() []*cobra.Command {
	return append(append(lookCommands(), memberCommands()...), nodeCommands()...)
}

// registerAddress registers the flags that say whom to ask.
func (f *adminFlags) registerAddress(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.addresses, "admin", "127.0.0.1:8001", "admin address of the node")
	cmd.Flags().StringVar(&f.tokenFile, "admin-token-file", "", "file with the token that the admin port demands")
	f.tls.register(cmd, "file of the authorities that sign nodes' certificates, if the admin port speaks mutual TLS",
		"file of a certificate to show to it", "file of that certificate's private key")
}

// registerOne registers the flags of an admin command about one node.
func (f *adminFlags) registerOne(cmd *cobra.Command) {
	f.registerAddress(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print the answer as JSON")
}

// register registers the flags of one that any node will do for, or that the leader is looked for.
func (f *adminFlags) register(cmd *cobra.Command) {
	f.registerOne(cmd)
	cmd.Flags().Lookup("admin").Usage = "admin addresses of nodes, with commas between: any will do, or the leader is found among them"
}

func (f *adminFlags) registerTimeout(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait; a change that has begun goes on")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.timeout <= 0 || f.timeout > admin.TimeoutMax {
			return fmt.Errorf("--timeout: must be more than zero, and %v at most", admin.TimeoutMax)
		}
		return nil
	}
}

func (f *adminFlags) registerYes(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask whether it is meant")
}

// readToken reads the token that a file holds, but for the space around it. No file is no token.
func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("%s is not one line of ASCII", file) // No header could have it.
	}
	return token, nil
}

func (f *adminFlags) client() (*admin.Client, error) {
	token, err := readToken(f.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("--admin-token-file: %w", err)
	}
	client := &admin.Client{Token: token}
	options, err := f.tls.load()
	if err == nil && options != nil {
		client.TLS, err = admin.ClientTLS(options)
	}
	if err != nil {
		return nil, err
	}
	for address := range strings.SplitSeq(f.addresses, ",") {
		if address = strings.TrimSpace(address); address == "" {
			return nil, errors.New("--admin: an address is empty")
		}
		client.Addresses = append(client.Addresses, address)
	}
	return client, nil
}

// one returns the client and the only address that was given.
func (f *adminFlags) one() (*admin.Client, string, error) {
	client, err := f.client()
	if err == nil && len(client.Addresses) > 1 {
		err = errors.New("--admin: this is about one node, and several addresses were given")
	}
	if err != nil {
		return nil, "", err
	}
	return client, client.Addresses[0], nil
}

// open asks the only node for what is too large to be read whole.
func (f *adminFlags) open(ctx context.Context, path string) (io.ReadCloser, error) {
	client, address, err := f.one()
	if err != nil {
		return nil, err
	}
	return client.Open(ctx, address, path)
}

// command has the only node carry out a command. It waits a little longer than it tells the node to, or as
// the node does by itself.
func (f *adminFlags) command(ctx context.Context, path string, request any) (admin.Answer, error) {
	client, address, err := f.one()
	if err != nil {
		return admin.Answer{}, err
	}
	wait := admin.TimeoutMax
	if f.timeout > 0 {
		wait, path = f.timeout, path+"?timeout="+f.timeout.String()
	}
	ctx, cancel := context.WithTimeout(ctx, wait+patience)
	defer cancel()
	return client.Command(ctx, address, path, request)
}

// patience is how much longer than the node the client waits for an answer.
const patience = 5 * time.Second

// lead has the leader carry out a command or, if the request is nil, look.
func (f *adminFlags) lead(ctx context.Context, path string, request any) (admin.Answer, error) {
	client, err := f.client()
	if err != nil {
		return admin.Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout+patience)
	defer cancel()
	return client.Lead(ctx, f.timeout, path, request)
}

// errGoesOn means that a change goes on.
var errGoesOn = errors.New("the change goes on, but was not through in time: see balsa members and balsa explain")

// print shows an answer: as it is, or in words.
func (f *adminFlags) print(cmd *cobra.Command, answer admin.Answer, into any, words func(w io.Writer)) error {
	out := cmd.OutOrStdout()
	switch {
	case f.json:
		if _, err := out.Write(answer.Text); err != nil {
			return err
		}
	default:
		if err := json.Unmarshal(answer.Text, into); err != nil {
			return notAnAnswer(&answer, err)
		}
		if answer.Status != http.StatusOK {
			break
		}
		buffered := bufio.NewWriter(out)
		words(buffered)
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
	if answer.Status == http.StatusAccepted {
		return errGoesOn
	}
	return nil
}

func notAnAnswer(answer *admin.Answer, err error) error {
	return fmt.Errorf("the answer of %s is none: %w", answer.Address, err)
}
