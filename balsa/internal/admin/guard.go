// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// ErrOpen means that everybody could use an admin port: it is not on loopback, and demands neither
// a token nor a certificate.
var ErrOpen = errors.New("admin: a port that is not on loopback needs a token or mutual TLS")

// CheckOpen returns ErrOpen if everybody could use a listener's port. isProtected says that a token or a
// certificate is demanded.
func CheckOpen(address net.Addr, isProtected bool) error {
	tcp, ok := address.(*net.TCPAddr)
	if isProtected || ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%w: %v", ErrOpen, address)
}

// guarded lets only those pass who may use the port.
//
// Where there is neither token nor TLS, whoever can connect may. But a browser on the same machine connects
// for any page that it shows, so requests that come from another origin are refused, and those
// that name this port by another name than an address or localhost: that is how a page gets
// around the first.
func (c *Config) guarded(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.refuse(w, &Error{Status: http.StatusForbidden, Code: CodeForbidden, Message: "a browser has sent this for a page of another origin"})
	}))
	next = protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.Token != "" && !isToken(r, c.Token):
			w.Header().Set("WWW-Authenticate", "Bearer")
			c.refuse(w, &Error{Status: http.StatusUnauthorized, Code: CodeForbidden, Message: "the admin port demands its token: see --admin-token-file"})
		case c.Token == "" && r.TLS == nil && !isPlainHost(r.Host):
			c.refuse(w, &Error{Status: http.StatusForbidden, Code: CodeForbidden,
				Message: "the admin port is on loopback: ask it by an IP address or as localhost, not as " + r.Host})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isToken compares in a time that does not depend on what the token is.
func isToken(r *http.Request, token string) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func isPlainHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}
