// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

// authority signs certificates, into files of a folder.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.write("ca", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// sign makes a certificate of a name, good for some uses, and returns the flags that name its files.
func (a *authority) sign(name string, uses ...x509.ExtKeyUsage) tlsFlags {
	a.t.Helper()
	key := newKey(a.t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: uses}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	in := func(name string) string { return filepath.Join(a.dir, name) }
	return tlsFlags{authorities: in("ca"), certificate: in(name + ".crt"), key: in(name + ".key")}
}

func (t tlsFlags) line() string {
	return " --tls-ca " + t.authorities + " --tls-cert " + t.certificate + " --tls-key " + t.key
}

// TestAdminTLS: the admin port lets in who shows a certificate of the nodes' authority, and nobody else; and
// a client trusts no one else.
func TestAdminTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	server := ours.sign("node-1", x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
	options, err := server.load()
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Listen(node.Config{
		ID: 1, Dir: t.TempDir(), Cluster: raft.NewClusterID(cluster), SegmentBytes: 1 << 20, TLS: options, AdminTLS: options,
		RaftAddress: "127.0.0.1:0", ClientAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	if err := n.Start(t.Context(), []raft.Member{{ID: 1, Address: "127.0.0.1:1"}}); err != nil {
		t.Fatal(err)
	}
	operator := ours.sign("operator", x509.ExtKeyUsageClientAuth)
	stranger := theirs.sign("operator", x509.ExtKeyUsageClientAuth)
	trusting := stranger
	trusting.authorities = operator.authorities
	tests := []struct {
		name, flags string
		status      int
	}{
		{"operator", operator.line(), 0},
		{"no certificate for clients", ours.sign("server", x509.ExtKeyUsageServerAuth).line(), 1},
		{"a stranger's certificate", trusting.line(), 1},
		{"a stranger who does not trust the node", stranger.line(), 1},
		{"no TLS", "", 1},
		{"no key", " --tls-ca " + operator.authorities, 1},
	}
	for _, test := range tests {
		status, stdout, stderr := run("status --admin " + n.Addresses().Admin + test.flags)
		if status != test.status || strings.Contains(stdout, "node") != (status == 0) {
			t.Errorf("%s: status %d, %q, %q", test.name, status, stdout, stderr)
		}
		for _, line := range []string{"drain", "undrain", "transfer-leader 1"} { // And who is not let in does not try for long.
			begun := time.Now()
			status, stdout, stderr := run(line + " --admin " + n.Addresses().Admin + test.flags)
			if took := time.Since(begun); status != test.status || took > 10*time.Second || strings.Contains(stderr, admin.ErrUnsure.Error()) {
				t.Errorf("%s by %s: status %d after %v, %q, %q", line, test.name, status, took, stdout, stderr)
			}
		}
	}
}
