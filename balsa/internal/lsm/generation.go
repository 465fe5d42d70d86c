// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

const (
	currentName    = "CURRENT"
	currentTmpName = "CURRENT.tmp"
	dumpName       = "dump.tmp"
	statePrefix    = "state-"
)

// generation is one database: Restore makes the next one. It stays open for as long as
// anybody reads it.
type generation struct {
	options *Options
	dir     string
	number  uint64
	db      *pebble.DB

	mu sync.Mutex
	// users is how many have to release it: the machine, and whoever reads it.
	users int
	// outdated says that the folder goes with the last user.
	outdated bool
}

func stateDir(options *Options, dir string, number uint64) string {
	return options.FS.PathJoin(dir, fmt.Sprintf("%s%06d", statePrefix, number))
}

// openGeneration opens a database for the machine, which has to release it.
func openGeneration(options *Options, dir string, number uint64) (*generation, error) {
	g := &generation{options: options, dir: stateDir(options, dir, number), number: number, users: 1}
	var err error
	if g.db, err = options.openDB(g.dir, false); err != nil {
		return nil, fmt.Errorf("lsm: open %s: %w", g.dir, err)
	}
	return g, nil
}

// use adds a user. It is called by one.
func (g *generation) use() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users++
}

// release closes the database if nobody else uses it.
func (g *generation) release() error {
	g.mu.Lock()
	g.users--
	last, outdated := g.users == 0, g.outdated
	g.mu.Unlock()
	if !last {
		return nil
	}
	err := g.db.Close()
	if outdated {
		err = errors.Join(err, g.options.FS.RemoveAll(g.dir))
	}
	if err != nil {
		return fmt.Errorf("lsm: close %s: %w", g.dir, err)
	}
	return nil
}

// outdate lets the last user remove the folder.
func (g *generation) outdate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outdated = true
}

// getter is a database or a snapshot of it.
type getter interface {
	Get(key []byte) (value []byte, closer io.Closer, err error)
}

// readMeta reads the moment and the number of items, zero if nothing has been applied.
func readMeta(from getter) (moment kv.Moment, items int, err error) {
	data, closer, err := from.Get(metaKey)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return kv.Moment{}, 0, nil
	case err != nil:
		return kv.Moment{}, 0, fmt.Errorf("lsm: read what was applied: %w", err)
	}
	defer closer.Close()
	return splitMeta(data)
}

// readCurrent returns the number of the database that holds the state, zero if there is none. CURRENT
// is missing only in a folder that is new, or was not finished: a database that Restore has made comes after it.
func readCurrent(options *Options, dir string) (number uint64, err error) {
	names, err := options.FS.List(dir)
	if err != nil {
		return 0, fmt.Errorf("lsm: list %s: %w", dir, err)
	}
	if !slices.Contains(names, currentName) {
		for _, name := range names {
			if strings.HasPrefix(name, statePrefix) && options.FS.PathJoin(dir, name) != stateDir(options, dir, 1) {
				return 0, fmt.Errorf("%w: %s holds %s but no %s", ErrMalformed, dir, name, currentName)
			}
		}
		return 0, nil
	}
	file, err := options.FS.Open(options.FS.PathJoin(dir, currentName))
	if err != nil {
		return 0, fmt.Errorf("lsm: open %s: %w", currentName, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 100))
	if err != nil {
		return 0, fmt.Errorf("lsm: read %s: %w", currentName, err)
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), statePrefix)
	if number, err = strconv.ParseUint(digits, 10, 64); err != nil || !ok || number == 0 {
		return 0, fmt.Errorf("%w: %s holds %q", ErrMalformed, currentName, text)
	}
	return number, nil
}

// writeCurrent makes a database the one that holds the state, in one step. If written, an error
// leaves open whether it is.
func writeCurrent(options *Options, dir string, number uint64) (written bool, err error) {
	tmp := options.FS.PathJoin(dir, currentTmpName)
	file, err := options.FS.Create(tmp, "balsa-current")
	if err != nil {
		return false, fmt.Errorf("lsm: create %s: %w", currentTmpName, err)
	}
	_, err = fmt.Fprintf(file, "%s%06d\n", statePrefix, number)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return false, fmt.Errorf("lsm: write %s: %w", currentTmpName, err)
	}
	if err := options.FS.Rename(tmp, options.FS.PathJoin(dir, currentName)); err != nil {
		return true, fmt.Errorf("lsm: rename %s: %w", currentTmpName, err)
	}
	return true, syncDir(options, dir)
}

// makeDir makes a folder, and those above it, durably. That of one that is there may have been made
// just before a crash: its name is synced again.
func makeDir(options *Options, dir string) error {
	above := options.FS.PathDir(dir)
	if above == dir {
		return nil
	}
	if _, err := options.FS.Stat(above); err != nil {
		if err := makeDir(options, above); err != nil {
			return err
		}
	}
	if err := options.FS.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lsm: make folder: %w", err)
	}
	return syncDir(options, above)
}

func syncDir(options *Options, dir string) error {
	d, err := options.FS.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("lsm: open folder %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("lsm: sync folder %s: %w", dir, err)
	}
	return nil
}

// removeLeftovers removes what crashes have left behind.
func removeLeftovers(options *Options, dir string, current uint64) error {
	names, err := options.FS.List(dir)
	if err != nil {
		return fmt.Errorf("lsm: list %s: %w", dir, err)
	}
	for _, name := range names {
		leftover := name == currentTmpName || name == dumpName || strings.HasPrefix(name, statePrefix)
		path := options.FS.PathJoin(dir, name)
		if !leftover || path == stateDir(options, dir, current) {
			continue
		}
		if err := options.FS.RemoveAll(path); err != nil {
			return fmt.Errorf("lsm: remove %s: %w", path, err)
		}
	}
	return nil
}
