// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
)

// FuzzSnapshotFile opens a store on arbitrary bytes in the place of a snapshot, on the way
// with good checksums of header and footer: the file is refused, or set aside, or whole.
func FuzzSnapshotFile(f *testing.F) {
	for _, length := range []int{0, 1, blockBytesMin, 1300} {
		_, samples, file := published(f, length)
		f.Add(file, false, false, samples[0].data)
		f.Add(file, true, true, samples[0].data)
		f.Add(file[:len(file)-1], true, true, []byte("x"))
	}
	name := sampleOf(1, 5, 0)
	f.Fuzz(func(t *testing.T, content []byte, fixHeader, fixFooter bool, data []byte) {
		fixFile(content, fixHeader, fixFooter)
		for _, suffix := range []string{publishedSuffix, unfinishedSuffix} {
			disk := vfs.NewMem()
			must(t, disk.MkdirAll(testDir))
			replaceFile(t, disk, pathOf(&name, suffix), content)
			s, err := Open(testDir, testOptions(disk))
			if err != nil {
				if !errors.Is(err, ErrForeign) && !errors.Is(err, ErrUnsupported) {
					t.Fatal(err)
				}
				return
			}
			readWhatever(t, s, content)
			p := name
			p.data = data
			if _, err := s.Begin(p.group, p.meta); errors.Is(err, ErrExists) {
				must(t, s.Close())
				continue
			}
			resumeWhatever(t, s, &p, content)
			must(t, s.Close())
		}
	})
}

// fixFile makes the checksums of header and footer good.
func fixFile(content []byte, fixHeader, fixFooter bool) {
	size := headerSize(content)
	if size == 0 || size > len(content) {
		return
	}
	if fixHeader {
		le.PutUint32(content[12:], headerSum(content[:size]))
	}
	h, err := parseHeader(content[:size])
	if footer := len(content) - footerBytes; err == nil && fixFooter && footer >= size {
		le.PutUint32(content[footer+8:], h.footerSum(content[footer:]))
	}
}

// readWhatever reads what is listed: what is returned must be in the file.
func readWhatever(t *testing.T, s *Store, content []byte) {
	t.Helper()
	list, err := s.List(1)
	must(t, err)
	for _, meta := range list {
		if meta.Size > uint64(len(content)) {
			t.Fatalf("%d bytes in a file of %d", meta.Size, len(content))
		}
		buf := make([]byte, blockBytesMin)
		for offset := uint64(0); ; offset += blockBytesMin {
			n, err := s.ReadAt(1, meta.ID, buf, offset)
			if !bytes.Contains(content, buf[:n]) {
				t.Fatalf("%d bytes at %d are not in the file", n, offset)
			}
			if err == io.EOF {
				break
			}
			if errors.Is(err, ErrDamaged) {
				after, err := s.List(1)
				must(t, err)
				if len(after) > 0 {
					t.Fatalf("damaged, and still listed: %+v", after)
				}
				return
			}
			must(t, err)
		}
	}
}

// resumeWhatever goes on with an unfinished file: whatever is said to be there is in it.
func resumeWhatever(t *testing.T, s *Store, p *sample, content []byte) {
	t.Helper()
	held, err := s.Begin(p.group, p.meta)
	must(t, err)
	if held > uint64(len(content)) {
		t.Fatalf("Begin has %d bytes of a file of %d", held, len(content))
	}
	if held == 0 && s.group(1).writer.size == 0 && s.group(1).writer.checksum == 0 {
		must(t, p.finish(s))
		requireShown(t, s, 1, *p)
	}
}

// FuzzHeader decodes arbitrary bytes as header and footer, with and without good checksums.
func FuzzHeader(f *testing.F) {
	_, _, file := published(f, 1300)
	f.Add(file, int64(len(file)), true)
	f.Add(file[:100], int64(100), false)
	f.Fuzz(func(t *testing.T, content []byte, fileBytes int64, fix bool) {
		fixFile(content, fix, fix)
		size := headerSize(content)
		if size == 0 || size > len(content) {
			return
		}
		h, err := parseHeader(content[:size])
		if err != nil {
			return
		}
		again := h
		if encoded := again.encode(); !bytes.Equal(encoded, content[:size]) {
			t.Fatalf("%x is encoded as %x", content[:size], encoded)
		}
		if len(content)-size < footerBytes {
			return
		}
		footer := content[len(content)-footerBytes:]
		l, err := parseFooter(h, footer, fileBytes)
		if err != nil {
			return
		}
		if l.fileBytes() != fileBytes || l.blocks() > uint64(fileBytes) || !bytes.Equal(l.appendFooter(nil), footer) {
			t.Fatalf("the footer %x is taken for %+v", footer, l)
		}
	})
}
