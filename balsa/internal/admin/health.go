// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
)

// The findings of raft.Status.Explain that say more than that no leader is known: the node was removed, or is not a
// member yet. One that is sent its first snapshot knows its leader before it knows the members, and can serve.
const (
	findingRemoved = "removed"
	findingNoGroup = "no_group"
)

// serveHealth says that the node can serve if its group runs and it has a leader.
func (c *Config) serveHealth(w http.ResponseWriter, _ *http.Request) {
	status := c.Status()
	switch {
	case status.Failure != nil:
		http.Error(w, fmt.Sprintf("stopped: %v", status.Failure), http.StatusServiceUnavailable)
	default:
		for _, f := range status.Explain() {
			if f.Code == findingRemoved || f.Code == findingNoGroup && status.Leader == 0 {
				http.Error(w, f.What, http.StatusServiceUnavailable)
				return
			}
		}
		if status.Leader == 0 {
			http.Error(w, "no leader known", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok") // The client may be gone.
	}
}
