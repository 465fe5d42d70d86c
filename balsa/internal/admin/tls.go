// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/balsa-raft/raft/tcp"
)

// ServerTLS returns what an admin port is served with, if its clients are to show a certificate
// that one of the nodes' authorities has signed, good for client authentication. Certificates
// are read anew at each connection.
func ServerTLS(o *tcp.TLSOptions) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			certificate, authorities, err := load(o)
			if err != nil {
				return nil, err
			}
			return &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*certificate},
				ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert, SessionTicketsDisabled: true,
			}, nil
		},
	}
}

// ClientTLS returns what a client asks such a port with. The client does not know which node is
// at an address, so it takes any certificate that one of the authorities has signed, good for
// server authentication, whatever the name.
func ClientTLS(o *tcp.TLSOptions) (*tls.Config, error) {
	certificate, authorities, err := load(o)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*certificate},
		InsecureSkipVerify: true, // Of the name. VerifyConnection verifies the rest.
		VerifyConnection:   func(state tls.ConnectionState) error { return verify(&state, authorities) },
	}, nil
}

func load(o *tcp.TLSOptions) (*tls.Certificate, *x509.CertPool, error) {
	certificate, err := o.Certificate()
	if err != nil {
		return nil, nil, fmt.Errorf("admin: load certificate: %w", err)
	}
	authorities, err := o.Authorities()
	if err != nil {
		return nil, nil, fmt.Errorf("admin: load authorities: %w", err)
	}
	return certificate, authorities, nil
}

// verify checks the chain of a server's certificate.
func verify(state *tls.ConnectionState, authorities *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("admin: the node shows no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
