// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/wal"
)

func TestInspect(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			s := newSurvivor(t, engine)
			before := tree(t, s.dir)
			i, err := Inspect(s.dir)
			must(t, err)
			if i.Node != 1 || i.InUse || i.Problem != "" || len(i.Groups) != 1 || len(i.Segments) == 0 || i.Incarnation != incarnation(identify(t, s.dir).Incarnation) {
				t.Errorf("the inspection is %+v", i)
			}
			g := i.Groups[0]
			if g.Last.Index < writes || g.First == 1 || g.Term == 0 || len(g.Snapshots) == 0 || len(g.Memberships) == 0 || len(g.Memberships[0].Voters) != 3 || g.Forming {
				t.Errorf("the group is %+v", g)
			}
			if (i.State != nil) != (engine == node.EngineDisk) || i.State != nil && i.State.Keys != writes {
				t.Errorf("the state is %+v", i.State)
			}
			var text bytes.Buffer
			must(t, i.WriteText(&text))
			for _, want := range []string{"cluster", i.Incarnation, "members since", "snapshot", "log file"} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%q is not in\n%s", want, &text)
				}
			}
			if changed := sameTree(before, tree(t, s.dir)); changed != "" {
				t.Errorf("%s has changed", changed)
			}
			_, err = Recover(s.options())
			must(t, err)
			if i, err = Inspect(s.dir); err != nil || !i.Groups[0].Forming || len(i.Recoveries) != 1 {
				t.Errorf("after a recovery: %+v, %v", i, err)
			}
		})
	}
}

// TestVerify: of a whole folder everything is read; a flipped bit is found, in whatever part, and
// nothing is changed.
func TestVerify(t *testing.T) {
	for _, engine := range engines {
		s := newSurvivor(t, engine)
		v, err := Verify(s.dir)
		must(t, err)
		if len(v.Damages) > 0 || v.Entries == 0 || v.Snapshots == 0 || v.Keys != map[string]int{node.EngineDisk: writes}[engine] {
			t.Errorf("%s: %+v", engine, v)
		}
	}
	for name, pattern := range map[string]string{"log": "*.segment", "snapshot": "snapshots/*.snapshot"} {
		t.Run(name, func(t *testing.T) {
			s := newSurvivor(t, node.EngineMemory)
			files, err := filepath.Glob(filepath.Join(s.dir, pattern))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			spoiled := map[string]bool{}
			for _, path := range files {
				content, err := os.ReadFile(path)
				must(t, err)
				if at := bytes.LastIndex(content, []byte("101010101010")); at >= 0 { // The log may have it no more.
					flip(t, path, int64(at))
					spoiled[path] = true
				}
			}
			before := tree(t, s.dir)
			v, err := Verify(s.dir)
			must(t, err)
			if len(v.Damages) != len(spoiled) || len(spoiled) == 0 {
				t.Errorf("spoiled are %v, found were %+v", spoiled, v.Damages)
			}
			for _, d := range v.Damages {
				if !spoiled[d.File] {
					t.Errorf("found was %+v", d)
				}
			}
			if i, err := Inspect(s.dir); err != nil || (name == "log") != (i.Problem != "") {
				t.Errorf("the inspection is %+v, %v", i, err)
			}
			if changed := sameTree(before, tree(t, s.dir)); changed != "" {
				t.Errorf("%s has changed", changed)
			}
			want := map[string]error{"log": wal.ErrCorrupt, "snapshot": raft.ErrForceStateLost}[name]
			if _, err := Recover(s.options()); !errors.Is(err, want) {
				t.Errorf("recovered: %v, want %v", err, want)
			}
		})
	}
}

// TestVerifyTogether: parts that are whole and do not belong together.
func TestVerifyTogether(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	must(t, os.RemoveAll(filepath.Join(s.dir, snapshotsFolder)))
	v, err := Verify(s.dir)
	if err != nil || len(v.Damages) != 1 || !strings.Contains(v.Damages[0].Problem, "no whole snapshot") {
		t.Errorf("without its snapshots: %+v, %v", v, err)
	}
	if plan, err := Plan(s.options()); err != nil || !strings.Contains(plan.Refusal, "state is lost") {
		t.Errorf("without its snapshots: %+v, %v", plan, err)
	}
}

// TestDump: what is certain is a part of all there is, and the same on both engines.
func TestDump(t *testing.T) {
	for _, engine := range engines {
		s := newSurvivor(t, engine)
		before := tree(t, s.dir)
		var all, certain bytes.Buffer
		d, err := WriteDump(s.dir, false, &all)
		must(t, err)
		c, err := WriteDump(s.dir, true, &certain)
		must(t, err)
		if d.Committed > d.Through || c.Through != d.Committed || c.Through == 0 {
			t.Errorf("%s: all is %+v, certain %+v", engine, d, c)
		}
		for line := range strings.Lines(certain.String()) {
			if !strings.Contains(all.String(), line) {
				t.Errorf("%s: %q is certain, and not there", engine, line)
			}
		}
		if changed := sameTree(before, tree(t, s.dir)); changed != "" || all.String() != s.text {
			t.Errorf("%s: the dump is another, or %q has changed", engine, changed)
		}
	}
}
