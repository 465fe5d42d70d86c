// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"sync/atomic"
)

// diskBytes is the size of the file, which is written round and round.
const diskBytes = 64 << 20

// disk is a file whose blocks have all been written before, so that a sync need not
// record where they are.
type disk struct {
	file  *os.File
	at    int64
	syncs *atomic.Uint64
}

func openDisk(path string, syncs *atomic.Uint64) (*disk, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("limit: create file: %w", err)
	}
	zeroes := make([]byte, 1<<20)
	for at := int64(0); at < diskBytes; at += int64(len(zeroes)) {
		if _, err := file.WriteAt(zeroes, at); err != nil {
			return nil, fmt.Errorf("limit: fill file: %w", err)
		}
	}
	if err := file.Sync(); err != nil {
		return nil, fmt.Errorf("limit: sync file: %w", err)
	}
	return &disk{file: file, syncs: syncs}, nil
}

// save writes the data and makes it durable.
func (d *disk) save(data []byte) error {
	for len(data) > 0 {
		n := min(int64(len(data)), diskBytes-d.at)
		if _, err := d.file.WriteAt(data[:n], d.at); err != nil {
			return fmt.Errorf("limit: write: %w", err)
		}
		data = data[n:]
		d.at = (d.at + n) % diskBytes
	}
	d.syncs.Add(1)
	if err := syncData(d.file); err != nil {
		return fmt.Errorf("limit: sync: %w", err)
	}
	return nil
}
