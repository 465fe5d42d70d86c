// SPDX-License-Identifier: Apache-2.0

// Package logcache holds the recent entries of one group's log in memory, for the
// replication streams and the state machine, so that they rarely read storage.
//
// The loop appends, the log writer's progress allows eviction, and any number of
// goroutines read: all methods of a Cache may be called from any goroutine. Entries
// that are not durable yet are never evicted, so an entry of the log is always
// found in the cache or in the log store.
package logcache
