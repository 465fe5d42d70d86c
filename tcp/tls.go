// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/balsa-raft/raft/wire"
)

// TLSOptions say how nodes prove who they are. Both ends of every connection show
// a certificate that one of the authorities signed, good for server and client
// authentication, and that has the node's name among its DNS names. A node accepts
// from a peer only what the certificate's name entitles it to say.
//
// The functions are called at each connection, so certificates and authorities can
// change without a restart; connections that exist are not affected. When one of
// them fails, no connection is made.
type TLSOptions struct {
	// Certificate returns this node's certificate with its private key. Required.
	Certificate func() (*tls.Certificate, error)
	// Authorities returns the authorities that may sign nodes' certificates. Use a
	// pool for this cluster, not the system's. Required.
	Authorities func() (*x509.CertPool, error)
	// PeerName returns the DNS name that a node's certificate must have. If nil it
	// is NodeName.
	PeerName func(node wire.NodeID) string
}

// NodeName is the name of a node in its certificate unless TLSOptions.PeerName
// says otherwise: "node-" and the ID in decimal, such as "node-17".
func NodeName(node wire.NodeID) string { return fmt.Sprintf("node-%d", node) }

// LoadTLS returns options that read PEM files, anew at each connection: this
// node's certificate, its private key, and the authorities' certificates. It
// returns an error if they can't be read now.
func LoadTLS(certificateFile, keyFile, authoritiesFile string) (*TLSOptions, error) {
	o := &TLSOptions{
		Certificate: func() (*tls.Certificate, error) {
			certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
			return &certificate, err
		},
		Authorities: func() (*x509.CertPool, error) {
			pem, err := os.ReadFile(authoritiesFile)
			if err != nil {
				return nil, err
			}
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("no certificate in %s", authoritiesFile)
			}
			return pool, nil
		},
	}
	_, err := o.config()
	return o, err
}

func (o *TLSOptions) name(node wire.NodeID) string {
	if o.PeerName != nil {
		return o.PeerName(node)
	}
	return NodeName(node)
}

// validate checks that there is a certificate and that it is for this node, so
// that a mistake shows when the transport opens and not as refusals by the peers.
func (o *TLSOptions) validate(node wire.NodeID) error {
	if o.Certificate == nil || o.Authorities == nil {
		return fmt.Errorf("%w: TLS without certificate or without authorities", ErrInvalidOptions)
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		return fmt.Errorf("%w: certificate: %w", ErrInvalidOptions, err)
	}
	if err := leaf.VerifyHostname(o.name(node)); err != nil {
		return fmt.Errorf("%w: certificate is not for this node: %w", ErrInvalidOptions, err)
	}
	return nil
}

// config returns what both ends have in common, with certificates read anew.
func (o *TLSOptions) config() (*tls.Config, error) {
	certificate, err := o.Certificate()
	if err != nil {
		return nil, fmt.Errorf("tcp: load certificate: %w", err)
	}
	if certificate == nil || len(certificate.Certificate) == 0 {
		return nil, errors.New("tcp: load certificate: there is none")
	}
	authorities, err := o.Authorities()
	if err != nil {
		return nil, fmt.Errorf("tcp: load authorities: %w", err)
	}
	if authorities == nil {
		return nil, errors.New("tcp: load authorities: there are none") // A nil pool would mean the system's.
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{*certificate},
		RootCAs:                authorities,
		ClientCAs:              authorities,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true, // Every connection verifies anew.
	}, nil
}

// dialled makes the TLS handshake on a connection to the peer.
func (o *TLSOptions) dialled(ctx context.Context, conn net.Conn, peer wire.NodeID) (*tls.Conn, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	config.ServerName = o.name(peer)
	return handshake(ctx, tls.Client(conn, config))
}

// accepted makes the TLS handshake on an incoming connection. Whose it is, isn't
// known yet: see proves.
func (o *TLSOptions) accepted(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	return handshake(ctx, tls.Server(conn, config))
}

func handshake(ctx context.Context, conn *tls.Conn) (*tls.Conn, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return conn, nil
}

// proves reports whether the other end's certificate, which was verified, names
// the node.
func (o *TLSOptions) proves(conn *tls.Conn, node wire.NodeID) bool {
	certificates := conn.ConnectionState().PeerCertificates
	return len(certificates) > 0 && certificates[0].VerifyHostname(o.name(node)) == nil
}
