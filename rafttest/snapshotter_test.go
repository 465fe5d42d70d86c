// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
)

// countersImage is what a snapshot of counters holds: their names, sorted, and counts.
type countersImage struct {
	Names  []string
	Counts []int
}

func (c *counters) image() countersImage {
	image := countersImage{Names: slices.Sorted(maps.Keys(c.counts))}
	for _, name := range image.Names {
		image.Counts = append(image.Counts, c.counts[name])
	}
	return image
}

func (i *countersImage) open() io.ReadCloser {
	return raft.CaptureFunc(func(w io.Writer) error { return gob.NewEncoder(w).Encode(i) })
}

// read reads all of r, which holds an image and nothing else.
func (i *countersImage) read(r io.Reader) error {
	if err := gob.NewDecoder(r).Decode(i); err != nil {
		return err
	}
	switch n, err := io.Copy(io.Discard, r); {
	case err != nil:
		return err
	case n > 0:
		return fmt.Errorf("%d bytes too many", n)
	}
	return nil
}

func (i *countersImage) add(counts map[string]int) {
	for n, name := range i.Names {
		counts[name] = i.Counts[n]
	}
}

// Snapshot captures the counters.
func (c *counters) Snapshot() (io.ReadCloser, error) {
	image := c.image()
	return image.open(), nil
}

// Restore replaces the counters.
func (c *counters) Restore(r io.Reader) error {
	var image countersImage
	if err := image.read(r); err != nil {
		return err
	}
	c.counts = map[string]int{}
	image.add(c.counts)
	return nil
}

// brokenSnapshotter is counters with a fault in Snapshot or Restore.
type brokenSnapshotter struct {
	*counters
	fault *snapshotFault
}

func (b *brokenSnapshotter) Snapshot() (io.ReadCloser, error) {
	if b.fault.snapshot == nil {
		return b.counters.Snapshot()
	}
	return b.fault.snapshot(b.counters)
}

func (b *brokenSnapshotter) Restore(r io.Reader) error {
	if b.fault.restore == nil {
		return b.counters.Restore(r)
	}
	return b.fault.restore(b.counters, r)
}

// lazyReader opens a reader when it is first read.
type lazyReader struct {
	open   func() io.Reader
	reader io.Reader
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.reader == nil {
		l.reader = l.open()
	}
	return l.reader.Read(p)
}

func (l *lazyReader) Close() error { return nil }

// strictCloser does not like to be closed before its end.
type strictCloser struct {
	io.Reader
	ended bool
}

func (s *strictCloser) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.ended = s.ended || errors.Is(err, io.EOF)
	return n, err
}

func (s *strictCloser) Close() error {
	if !s.ended {
		return errors.New("not at the end")
	}
	return nil
}

// snapshotFault is a fault, the case of the suite that has to find it, and what it says.
type snapshotFault struct {
	name, by, says string
	snapshot       func(c *counters) (io.ReadCloser, error)
	restore        func(c *counters, r io.Reader) error
}

// imageBytes returns the bytes of a snapshot.
func imageBytes(c *counters) []byte {
	var data bytes.Buffer
	image := c.image()
	gob.NewEncoder(&data).Encode(&image)
	return data.Bytes()
}

var snapshotFaults = []snapshotFault{
	{name: "one counter is left out", by: "a capture restores to the state captured", says: "new state machine",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			image := c.image()
			image.Names = image.Names[:max(0, len(image.Names)-1)]
			return image.open(), nil
		}},
	{name: "restore adds", by: "restore replaces what there is", says: "used state machine",
		restore: func(c *counters, r io.Reader) error {
			var image countersImage
			err := image.read(r)
			for n, name := range image.Names {
				c.counts[name] += image.Counts[n]
			}
			return err
		}},
	{name: "the order of a map", by: "equal states, equal bytes", says: "differ",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			image := countersImage{Names: slices.Collect(maps.Keys(c.counts))}
			for _, name := range image.Names {
				image.Counts = append(image.Counts, c.counts[name])
			}
			return image.open(), nil
		}},
	{name: "what the state does not show is lost", by: "the future is the same", says: "behind a restore",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			image := c.image()
			for i := range image.Counts {
				image.Counts[i] = min(image.Counts[i], 3)
			}
			return image.open(), nil
		}},
	{name: "an empty snapshot is ignored", by: "the empty state", says: "empty state",
		restore: func(c *counters, r io.Reader) error {
			before := c.counts
			err := c.Restore(r)
			if len(c.counts) == 0 {
				c.counts = before
			}
			return err
		}},
	{name: "captured when it is read", by: "captures do not change", says: "before more was applied",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			return &lazyReader{open: func() io.Reader { return bytes.NewReader(imageBytes(c)) }}, nil
		}},
	{name: "captures count", by: "captures do not change the state", says: "with captures",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			image := c.image()
			c.counts["key 1"]++
			return image.open(), nil
		}},
	{name: "captures are numbered", by: "captures are read beside Apply", says: "read beside Apply",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			image := c.image()
			c.buffer = append(c.buffer, 0)
			image.Names, image.Counts = append(image.Names, "captures"), append(image.Counts, len(c.buffer))
			return image.open(), nil
		}},
	{name: "restore is where captures are", by: "captures outlive a Restore", says: "by a restore",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			c.buffer = imageBytes(c)
			return io.NopCloser(bytes.NewReader(c.buffer)), nil
		},
		restore: func(c *counters, r io.Reader) error {
			clear(c.buffer)
			return c.Restore(r)
		}},
	{name: "no capture may be closed early", by: "half-read captures are closed", says: "cannot be closed",
		snapshot: func(c *counters) (io.ReadCloser, error) {
			return &strictCloser{Reader: bytes.NewReader(imageBytes(c))}, nil
		}},
	{name: "errors of the reader are an end", by: "its reader's errors are returned", says: "and Restore returns",
		restore: func(c *counters, r io.Reader) error {
			data, _ := io.ReadAll(r)
			return c.Restore(bytes.NewReader(data))
		}},
	{name: "errors at the end are not seen", by: "its reader's errors are returned", says: "and Restore returns",
		restore: func(c *counters, r io.Reader) error {
			var image countersImage
			err := gob.NewDecoder(r).Decode(&image)
			c.counts = map[string]int{}
			image.add(c.counts)
			return err
		}},
	{name: "an early end is the end", by: "an early end is an error", says: "without an error",
		restore: func(c *counters, r io.Reader) error {
			if err := c.Restore(r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
			return nil
		}},
	{name: "a failed restore leaves something behind", by: "restore after a failed restore", says: "after a restore that failed",
		restore: func(c *counters, r io.Reader) error {
			err := c.Restore(r)
			if err != nil {
				c.buffer = append(c.buffer, 0)
			}
			if err == nil && len(c.buffer) > 0 {
				c.counts["left behind"] = len(c.buffer)
			}
			return err
		}},
	{name: "one Read has to do", by: "however the reader cuts it", says: "is not restored",
		restore: func(c *counters, r io.Reader) error {
			buf := make([]byte, 1<<20)
			n, err := r.Read(buf)
			if err != nil {
				return err
			}
			return c.Restore(io.MultiReader(bytes.NewReader(buf[:n]), r))
		}},
}

func countersSuite(fault *snapshotFault) *Snapshotter {
	s := Snapshotter{
		New: func(testing.TB) raft.Snapshotter {
			return &brokenSnapshotter{&counters{counts: map[string]int{}}, fault}
		},
		Command: func(random *rand.Rand) []byte { return fmt.Appendf(nil, "key %d", random.IntN(20)) },
		Dump: func(_ testing.TB, machine raft.StateMachine) []byte {
			return fmt.Append(nil, machine.(*brokenSnapshotter).image())
		},
	}
	return s.withDefaults()
}

func TestSnapshotterAcceptsAGoodOne(t *testing.T) {
	TestSnapshotter(t, *countersSuite(&snapshotFault{}))
}

func TestSnapshotterFindsPlantedFaults(t *testing.T) {
	found := map[string]bool{}
	for _, fault := range snapshotFaults {
		found[fault.by] = true
		t.Run(fault.name, func(t *testing.T) {
			expectFault(t, countersSuite(&fault), snapshotDemands, fault.by, fault.says)
		})
	}
	requireFaults(t, snapshotDemands, found)
}
