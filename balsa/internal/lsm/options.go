// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options says how to open a machine. The zero value has all the defaults.
type Options struct {
	// CacheBytes bounds the memory for blocks that have been read. Default 64 MiB.
	CacheBytes int64
	// MemTableBytes is how much is collected in memory before it is written out in order. Up to
	// four times as much may be in use. Default 16 MiB.
	MemTableBytes uint64
	// Logger is told of errors, and in debug level of what goes on. Default slog.Default.
	Logger *slog.Logger
	// Fatal is called when a write has failed and nobody can say what of it is on disk. It must
	// not return. Default: end the process, with status 1.
	Fatal func(message string)
	// FS holds the folder. Default: the operating system's files.
	FS vfs.FS
}

const (
	cacheBytesDefault    = 64 << 20
	memTableBytesDefault = 16 << 20
	memTablesMax         = 4
	openFilesMax         = 500
	bloomBitsPerKey      = 10

	// flushesFailedMax is how often in a row Pebble may fail to write what it has in memory. It tries
	// again at once and for ever, and lets whoever writes wait meanwhile.
	flushesFailedMax = 20
)

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = cacheBytesDefault
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = memTableBytesDefault
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Fatal == nil {
		o.Fatal = func(string) { os.Exit(1) }
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}

// openDB opens a database. One without a log of writes is durable only once it has been flushed.
func (o *Options) openDB(dir string, withoutLog bool) (*pebble.DB, error) {
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref() // The database holds it.
	options := &pebble.Options{
		Cache: cache, FS: o.FS, Logger: logger{o}, DisableWAL: withoutLog,
		MemTableSize: o.MemTableBytes, MemTableStopWritesThreshold: memTablesMax, MaxOpenFiles: openFilesMax,
		// Fixed, so that a newer Pebble does not change the files of a cluster that may be downgraded.
		FormatMajorVersion: pebble.FormatColumnarBlocks,
	}
	options.EventListener = o.listener()
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	return pebble.Open(dir, options)
}

// flushes counts how often in a row a flush has failed.
type flushes struct {
	last   error // what the last one ended with
	failed int
}

// listener ends the process when what is in memory cannot be written any more, and leaves it to the
// machine to halt when it meets what cannot be read.
func (o *Options) listener() *pebble.EventListener {
	log := logger{o}
	var mu sync.Mutex
	var f flushes
	return &pebble.EventListener{
		DataCorruption: func(info pebble.DataCorruptionInfo) { log.Errorf("%s is damaged: %v", info.Path, info.Details) },
		FlushEnd: func(info pebble.FlushInfo) {
			mu.Lock()
			defer mu.Unlock()
			if f.last = info.Err; f.last == nil {
				f.failed = 0
			}
		},
		BackgroundError: func(err error) {
			log.Errorf("%v", err)
			mu.Lock()
			defer mu.Unlock()
			if f.last == nil || !errors.Is(err, f.last) {
				return // Of a compaction, for example: nobody waits for it.
			}
			if f.failed++; f.failed == flushesFailedMax {
				log.Fatalf("%d flushes in a row have failed: %v", flushesFailedMax, err)
			}
		},
	}
}

// logger is Pebble's way to the Logger.
type logger struct{ options *Options }

// Infof is for what goes on all the time.
func (l logger) Infof(format string, args ...any) {
	l.options.Logger.Debug("pebble: " + fmt.Sprintf(format, args...))
}

// Errorf is for errors that Pebble survives.
func (l logger) Errorf(format string, args ...any) {
	l.options.Logger.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is for errors that it does not. It does not return.
func (l logger) Fatalf(format string, args ...any) {
	message := "pebble: " + fmt.Sprintf(format, args...)
	l.options.Logger.Error(message)
	l.options.Fatal(message)
}
