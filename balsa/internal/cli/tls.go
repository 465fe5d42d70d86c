// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/tcp"
)

// tlsFlags name the files of mutual TLS.
type tlsFlags struct {
	authorities, certificate, key string
}

func (t *tlsFlags) register(cmd *cobra.Command, authorities, certificate, key string) {
	flags := cmd.Flags()
	flags.StringVar(&t.authorities, "tls-ca", "", authorities)
	flags.StringVar(&t.certificate, "tls-cert", "", certificate)
	flags.StringVar(&t.key, "tls-key", "", key)
}

// load reads the files. If none is given it returns nil.
func (t *tlsFlags) load() (*tcp.TLSOptions, error) {
	given := 0
	for _, file := range []string{t.authorities, t.certificate, t.key} {
		if file != "" {
			given++
		}
	}
	switch given {
	case 0:
		return nil, nil
	case 3:
		return tcp.LoadTLS(t.certificate, t.key, t.authorities)
	}
	return nil, errors.New("--tls-ca, --tls-cert and --tls-key: give all three or none")
}
