// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports that a process gets are below those that the operating system gives to
// outgoing connections by itself: these would take the port of a node that is down.
const (
	portMin = 15_000
	portMax = 32_000
)

// portAttemptsMax bounds the search for a free port.
const portAttemptsMax = 1000

// freeAddresses returns addresses on 127.0.0.1 that nothing listens on.
func freeAddresses(count int) (addresses []string, err error) {
	for range portAttemptsMax {
		if len(addresses) == count {
			return addresses, nil
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", portMin+rand.IntN(portMax-portMin)))
		if err != nil {
			continue
		}
		defer listener.Close() // Only at the end, so that none comes twice.
		addresses = append(addresses, listener.Addr().String())
	}
	return nil, errors.New("chaos: no free ports")
}
