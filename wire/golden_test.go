// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares encodings with a golden file. If it fails, the wire format
// has changed: nodes of the version before would not understand it.
func checkGolden(t *testing.T, file string, names []string, encoded map[string][]byte) {
	t.Helper()
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s\n", name)
		for line := range slices.Chunk(encoded[name], 32) {
			fmt.Fprintf(&b, "    %s\n", hex.EncodeToString(line))
		}
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(b.String(), "\n"); !slices.Equal(got, strings.Split(string(want), "\n")) {
		t.Errorf("%s has changed, which needs a new Version; is now\n%s", path, b.String())
	}
}

func TestGoldenMessages(t *testing.T) {
	var names []string
	encoded := make(map[string][]byte)
	for _, m := range messages() {
		names = append(names, m.name)
		encoded[m.name] = AppendEnvelope(nil, m.Envelope)
	}
	checkGolden(t, "messages.golden", names, encoded)
}

func TestGoldenEntries(t *testing.T) {
	var names []string
	encoded := make(map[string][]byte)
	for _, e := range entries() {
		names = append(names, e.Kind.String())
		encoded[e.Kind.String()] = AppendEntry(nil, e)
	}
	checkGolden(t, "entries.golden", names, encoded)
}

func TestGoldenMemberships(t *testing.T) {
	all, encoded := memberships(), make(map[string][]byte)
	for name, m := range all {
		encoded[name] = AppendMembership(nil, &m)
	}
	checkGolden(t, "memberships.golden", slices.Sorted(maps.Keys(all)), encoded)
}

// TestGoldenMessagesDecode reads the golden file as bytes that another node sent.
func TestGoldenMessagesDecode(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "messages.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var stream []byte
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, " ") {
			continue
		}
		part, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, part...)
	}
	for _, want := range messages() {
		envelope, rest, err := DecodeEnvelope(stream)
		if err != nil {
			t.Fatalf("%s: %v", want.name, err)
		}
		checkEqual(t, want.name, envelope, want.Envelope)
		stream = rest
	}
	if len(stream) > 0 {
		t.Errorf("%d bytes are left", len(stream))
	}
}
