// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

func tlsOptions(id wire.NodeID, o *TLSOptions) Options {
	options := testOptions(id)
	options.TLS = o
	return options
}

func TestTLSExchange(t *testing.T) {
	ca := newAuthority(t)
	a, b := startNode(t, tlsOptions(1, ca.node(t, 1))), startNode(t, tlsOptions(2, ca.node(t, 2)))
	a.connect(t, b)
	b.connect(t, a)
	for term := range wire.Term(1000) {
		a.send(t, 2, heartbeat(term))
		b.send(t, 1, heartbeat(term))
	}
	for _, end := range []*node{a, b} {
		next := wire.Term(0)
		for next < 1000 {
			for _, envelope := range end.receive(t).batch {
				if termOf(envelope) != next {
					t.Fatalf("got %d, want %d", termOf(envelope), next)
				}
				next++
			}
		}
	}
	_ = b.Close()
	a.awaitUnreachable(t, 2)
}

// TestTLSRefuses tries every certificate that a node 2 must not be able to use, in
// both directions.
func TestTLSRefuses(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	early := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	usage := func(usages ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
	}
	both := [2]string{"peer=2", "incoming connection ended"}
	for name, test := range map[string]struct {
		certificate tls.Certificate
		asClient    string // what node 1 logs when such a node dials it
		asServer    string // what node 1 logs when it dials such a node
	}{
		"another authority": {stranger.sign(t, nil, "node-2"), "unknown authority", "unknown authority"},
		"another node":      {ca.sign(t, nil, "node-3"), statusNotProven.String(), "node-3, not node-2"},
		"a longer name":     {ca.sign(t, nil, "node-22", "node-2.example"), statusNotProven.String(), "not node-2"},
		"no name":           {ca.sign(t, nil), statusNotProven.String(), "node-2"},
		"only a common name": {ca.sign(t, func(c *x509.Certificate) { c.Subject.CommonName = "node-2" }),
			statusNotProven.String(), "legacy Common Name"},
		"expired":       {ca.sign(t, expired, "node-2"), "expired", "expired"},
		"not yet valid": {ca.sign(t, early, "node-2"), "expired or is not yet valid", "not yet valid"},
		"only a client": {ca.sign(t, usage(x509.ExtKeyUsageClientAuth), "node-2"), "", "incompatible key usage"},
		"only a server": {ca.sign(t, usage(x509.ExtKeyUsageServerAuth), "node-2"), "incompatible key usage", ""},
		"none at all":   {tls.Certificate{}, "didn't provide a certificate", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := startNode(t, tlsOptions(1, ca.node(t, 1)))
			if test.asClient != "" {
				dialWith(t, a, ca, test.certificate)
				a.lines.await(t, both[1], test.asClient)
			}
			if test.asServer != "" {
				b := listenNode(t, tlsOptions(2, ca.node(t, 2)))
				certificate := test.certificate
				b.options.TLS.Certificate = func() (*tls.Certificate, error) { return &certificate, nil }
				b.start(t)
				a.Connect(2, b.Addr().String())
				a.lines.await(t, "no connection", both[0], test.asServer)
			}
			if len(a.deliveries) > 0 {
				t.Errorf("delivered %v", <-a.deliveries)
			}
		})
	}
}

// dialWith dials as node 2, with the certificate, says hello and sends a message.
func dialWith(t *testing.T, to *node, ca *authority, certificate tls.Certificate) {
	t.Helper()
	config := &tls.Config{RootCAs: ca.pool, ServerName: NodeName(to.options.Node), MinVersion: tls.VersionTLS13}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	conn := stranger{tls.Client(dialStranger(t, to), config)}
	h := hello{version: wire.Version, lane: laneMain, cluster: testCluster, from: 2, to: to.options.Node}
	conn.write(append(h.encode(), frameOf(heartbeat(1))...))
	if answer, err := readHello(conn); err == nil && answer.status == statusOK {
		t.Error("accepted")
	}
}

func TestTLSAndPlainDoNotMix(t *testing.T) {
	ca := newAuthority(t)
	secure, plain := startNode(t, tlsOptions(1, ca.node(t, 1))), startNode(t, testOptions(2))
	secure.Connect(2, plain.Addr().String())
	plain.Connect(1, secure.Addr().String())
	secure.lines.await(t, "incoming connection ended", "does not look like a TLS handshake")
	plain.lines.await(t, "incoming connection ended", "not the Raft protocol")
	secure.awaitUnreachable(t, 2)
	plain.awaitUnreachable(t, 1)
}

func TestTLS12IsRefused(t *testing.T) {
	ca := newAuthority(t)
	a := startNode(t, tlsOptions(1, ca.node(t, 1)))
	conn := tls.Client(dialStranger(t, a), &tls.Config{RootCAs: ca.pool, ServerName: "node-1", MaxVersion: tls.VersionTLS12})
	if err := conn.Handshake(); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
}

func TestTLSPeerName(t *testing.T) {
	ca := newAuthority(t)
	name := func(id wire.NodeID) string { return fmt.Sprintf("raft%d.example", id) }
	start := func(id wire.NodeID) *node {
		o := ca.options(ca.sign(t, nil, name(id)))
		o.PeerName = name
		return startNode(t, tlsOptions(id, o))
	}
	a, b := start(1), start(2)
	a.connect(t, b)
	a.send(t, 2, heartbeat(1))
	if d := b.receive(t); d.from != 1 {
		t.Errorf("got %v", d)
	}
}

func TestTLSOptionsAreChecked(t *testing.T) {
	ca := newAuthority(t)
	broken := errors.New("broken")
	for name, change := range map[string]func(*TLSOptions){
		"certificate of another node": func(o *TLSOptions) { *o = *ca.node(t, 2) },
		"no certificate":              func(o *TLSOptions) { o.Certificate = func() (*tls.Certificate, error) { return nil, nil } },
		"certificate fails":           func(o *TLSOptions) { o.Certificate = func() (*tls.Certificate, error) { return nil, broken } },
		"no authorities":              func(o *TLSOptions) { o.Authorities = func() (*x509.CertPool, error) { return nil, nil } },
		"authorities fail":            func(o *TLSOptions) { o.Authorities = func() (*x509.CertPool, error) { return nil, broken } },
		"nothing":                     func(o *TLSOptions) { *o = TLSOptions{} },
		"malformed": func(o *TLSOptions) {
			o.Certificate = func() (*tls.Certificate, error) { return &tls.Certificate{Certificate: [][]byte{{1}}}, nil }
		},
	} {
		o := ca.node(t, 1)
		change(o)
		if transport, err := Listen(tlsOptions(1, o)); err == nil {
			_ = transport.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// TestTLSFailsClosed has the certificate files break while the node runs.
func TestTLSFailsClosed(t *testing.T) {
	ca := newAuthority(t)
	a, b := startNode(t, tlsOptions(1, ca.node(t, 1))), listenNode(t, tlsOptions(2, ca.node(t, 2)))
	b.options.TLS.Certificate = func() (*tls.Certificate, error) { return nil, errors.New("broken") }
	b.start(t)
	a.Connect(2, b.Addr().String())
	b.lines.await(t, "incoming connection ended", "broken")
	b.Connect(1, a.Addr().String())
	b.lines.await(t, "no connection to peer", "broken")
	a.awaitUnreachable(t, 2)
}

func TestLoadTLS(t *testing.T) {
	ca, folder := newAuthority(t), t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	write := func(name, kind string, der []byte) {
		block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(path(name), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(id wire.NodeID) {
		certificate := ca.sign(t, nil, NodeName(id))
		key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		write("cert.pem", "CERTIFICATE", certificate.Certificate[0])
		write("key.pem", "PRIVATE KEY", key)
	}
	if _, err := LoadTLS(path("cert.pem"), path("key.pem"), path("ca.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without files: %v", err)
	}
	issue(2)
	write("ca.pem", "SOMETHING", []byte{1})
	if _, err := LoadTLS(path("cert.pem"), path("key.pem"), path("ca.pem")); err == nil {
		t.Error("no error without authorities")
	}
	write("ca.pem", "CERTIFICATE", ca.certificate.Raw)
	loaded, err := LoadTLS(path("cert.pem"), path("key.pem"), path("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := startNode(t, tlsOptions(1, ca.node(t, 1))), startNode(t, tlsOptions(2, loaded))
	a.connect(t, b)
	issue(3) // The next connection meets another certificate.
	dialStranger(t, a)
	a.Connect(2, "")
	a.Connect(2, b.Addr().String())
	a.lines.await(t, "no connection to peer", "node-3, not node-2")
}
