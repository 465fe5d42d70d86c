// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/wal"
)

var engines = []string{node.EngineMemory, node.EngineDisk}

// TestRecover: the survivor says what would be done, does it, and serves with everything it had;
// the old folder is as it was, under another name.
func TestRecover(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			s := newSurvivor(t, engine)
			before, id := tree(t, s.dir), identify(t, s.dir)
			plan, err := Plan(s.options())
			must(t, err)
			if plan.Done || plan.Refusal != "" || !plan.MayLose || len(plan.Gone) != 2 || plan.Last.Index < writes {
				t.Errorf("the plan is %+v", plan)
			}
			if changed := sameTree(before, tree(t, s.dir)); changed != "" {
				t.Fatalf("the dry run has changed %s", changed)
			}
			report, err := Recover(s.options())
			must(t, err)
			if !report.Done || report.Forced != plan.Forced {
				t.Errorf("planned was %+v, done %+v", plan, report)
			}
			if changed := sameTree(before, tree(t, report.KeptAs)); changed != "" {
				t.Errorf("in the old folder there is another %s", changed)
			}
			if now := identify(t, s.dir); now.Incarnation == id.Incarnation || now.Node != id.Node || now.Cluster != id.Cluster {
				t.Errorf("it was %+v and is %+v", id, now)
			}
			checkAudit(t, s.dir, &report)
			if got := s.dump(t, s.dir); got != s.text {
				t.Error("the keys in the new folder are others")
			}
			serves(t, s, clusterName)
		})
	}
}

func identify(t *testing.T, dir string) wal.Identity {
	t.Helper()
	id, err := wal.Identify(wal.Options{Dir: dir})
	must(t, err)
	return id
}

func checkAudit(t *testing.T, dir string, report *Report) {
	t.Helper()
	records, err := readAudit(dir)
	must(t, err)
	if len(records) != 1 {
		t.Fatalf("there are %d audit records", len(records))
	}
	r := records[0]
	when, err := time.Parse(time.RFC3339, r.Time)
	if err != nil || time.Since(when) > time.Minute || r.User == "" || r.Host == "" || r.Command != "recover" || !r.Done {
		t.Errorf("the record is %+v", r)
	}
	if r.KeptAs != report.KeptAs || len(r.Before.Voters) != 3 || len(r.After.Voters) != 1 || r.Last != report.Last || r.NewIncarnation != report.NewIncarnation {
		t.Errorf("the record says %+v, the report %+v", r.Report, report)
	}
}

// serves starts the recovered node and looks for what it had.
func serves(t *testing.T, s *survivor, name string) {
	t.Helper()
	n := s.start(t, name)
	if got := do(t, n, "DBSIZE"); got != fmt.Sprint(writes) && got != fmt.Sprint(":", writes) {
		t.Errorf("it has %s keys, had %d", got, writes)
	}
	do(t, n, "SET", "after", "1")
	closeNode(t, n)
	if got := s.dump(t, s.dir); !strings.Contains(got, `"after" "1"`) || strings.Count(got, "\n") != writes+1 {
		t.Errorf("after a write there are %d keys", strings.Count(got, "\n"))
	}
	if v, err := Verify(s.dir); err != nil || len(v.Damages) > 0 {
		t.Errorf("verified: %v, %v", v.Damages, err)
	}
}

var errCrash = errors.New("crash")

// TestRecoverInterrupted crashes before each step, also with a part of the step done. The old folder
// is whole until there is a new one, and the next Recover ends well, whatever it finds.
func TestRecoverInterrupted(t *testing.T) {
	steps := []string{
		"make room", "copy the snapshots", "copy the state", "copy the log", "write the audit record",
		"set the old folder aside", "put the new folder in its place", "sync the names",
	}
	spoil := map[string]func(t *testing.T, unfinished string){
		"copy the snapshots": func(t *testing.T, unfinished string) {
			must(t, os.WriteFile(filepath.Join(unfinished, "0000000001.segment"), []byte("half"), 0o600))
		},
		"write the audit record": func(t *testing.T, unfinished string) {
			must(t, os.WriteFile(filepath.Join(unfinished, auditName), []byte(`{"time":"20`), 0o600))
		},
	}
	for _, engine := range engines {
		for _, step := range steps {
			t.Run(engine+"/"+step, func(t *testing.T) {
				s := newSurvivor(t, engine)
				before := tree(t, s.dir)
				o := s.options()
				passed := ""
				o.step = func(name string) error {
					passed = name
					if name == step {
						return errCrash
					}
					return nil
				}
				if _, err := Recover(o); !errors.Is(err, errCrash) || passed != step {
					t.Fatalf("it got to %q: %v", passed, err)
				}
				if do := spoil[step]; do != nil {
					do(t, s.dir+unfinishedSuffix)
				}
				isAside := step == "put the new folder in its place"
				switch there, err := isThere(s.dir); {
				case err != nil || there == isAside:
					t.Fatalf("the folder is there: %v, %v", there, err)
				case there && step != "sync the names" && sameTree(before, tree(t, s.dir)) != "":
					t.Fatal("the old folder has changed")
				}
				if step == "sync the names" {
					if got := s.dump(t, s.dir); got != s.text {
						t.Error("the keys in the new folder are others")
					}
					return
				}
				plan, err := Plan(s.options())
				if err != nil || plan.Resumed != isAside || plan.Done {
					t.Fatalf("the plan then is %+v, %v", plan, err)
				}
				endsWell(t, s, before, isAside)
			})
		}
	}
}

// endsWell recovers the folder after a crash: what there was before it is in the old folder, and in the
// new one are the same keys.
func endsWell(t *testing.T, s *survivor, before map[string]string, isAside bool) {
	t.Helper()
	report, err := Recover(s.options())
	if err != nil || !report.Done || report.Resumed != isAside {
		t.Fatalf("again: %+v, %v", report, err)
	}
	checkAudit(t, s.dir, &report)
	if changed := sameTree(before, tree(t, report.KeptAs)); changed != "" {
		t.Errorf("in the old folder there is another %s", changed)
	}
	if there, _ := isThere(s.dir + unfinishedSuffix); there {
		t.Error("something is left beside the folder")
	}
	if got := s.dump(t, s.dir); got != s.text {
		t.Error("the keys in the new folder are others")
	}
	if isAside {
		serves(t, s, clusterName)
	}
}

// A node that was started while there was no folder of its name has made one, which must not
// be taken for the one to be replaced.
func TestRecoverInTheWay(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	o := s.options()
	o.step = func(name string) error {
		if name == "put the new folder in its place" {
			return errCrash
		}
		return nil
	}
	_, err := Recover(o)
	if !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	log, err := wal.Open(wal.Options{Dir: s.dir, Cluster: raft.NewClusterID(clusterName), Node: 1, SegmentBytes: segmentBytes, Logger: discard})
	must(t, err)
	must(t, log.Close())
	for range 2 {
		if _, err := Recover(s.options()); !errors.Is(err, ErrInTheWay) {
			t.Fatalf("with a folder in the way: %v", err)
		}
	}
	must(t, os.Rename(s.dir, s.dir+".away"))
	if report, err := Recover(s.options()); err != nil || !report.Resumed || !report.Done {
		t.Errorf("with the way free: %+v, %v", report, err)
	}
	if got := s.dump(t, s.dir); got != s.text {
		t.Error("the keys in the new folder are others")
	}
}

// TestRecoverRefuses: nothing is changed when it is not to be done.
func TestRecoverRefuses(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	n := s.start(t, clusterName)
	for what, do := range map[string]func(Options) (Report, error){"Plan": Plan, "Recover": Recover} {
		if _, err := do(s.options()); !errors.Is(err, wal.ErrLocked) {
			t.Errorf("%s while the node runs: %v", what, err)
		}
	}
	if i, err := Inspect(s.dir); err != nil || !i.InUse || i.Node != 1 || len(i.Groups) > 0 {
		t.Errorf("while the node runs: %+v, %v", i, err)
	}
	closeNode(t, n)
	before := tree(t, s.dir)
	for name, c := range map[string]struct {
		members []raft.Member
		want    error
	}{
		"not among them": {s.members[1:2], raft.ErrForceNotMember},
		"not needed":     {s.members[:2], raft.ErrForceNotNeeded},
		"a stranger":     {append([]raft.Member{{ID: 9, Address: "h:1"}}, s.members[0]), raft.ErrForceNotMember},
	} {
		o := s.options()
		o.Members = c.members
		if plan, err := Plan(o); err != nil || plan.Refusal == "" {
			t.Errorf("%s: planned: %+v, %v", name, plan, err)
		}
		if _, err := Recover(o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if changed := sameTree(before, tree(t, s.dir)); changed != "" {
		t.Errorf("%s has changed", changed)
	}
	o := s.options()
	o.Dir = t.TempDir()
	if _, err := Recover(o); !errors.Is(err, ErrNoNode) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestRecoverForAnotherCluster: under a new name, the folder is no longer the old cluster's.
func TestRecoverForAnotherCluster(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	must(t, os.WriteFile(filepath.Join(s.dir, "notes.txt"), []byte("mine"), 0o600))
	o := s.options()
	o.ClusterName = "second"
	report, err := Recover(o)
	must(t, err)
	if report.NewCluster != raft.NewClusterID("second").String() || len(report.NotTaken) != 1 || report.NotTaken[0] != "notes.txt" {
		t.Errorf("the report is %+v", report)
	}
	if _, err := node.Listen(config(1, s.dir, clusterName, s.engine)); !errors.Is(err, wal.ErrWrongCluster) {
		t.Errorf("under the old name: %v", err)
	}
	serves(t, s, "second")
}

// TestRecoverTwice: until a leader is there nothing has to be done again, and later the records add up.
func TestRecoverTwice(t *testing.T) {
	s := newSurvivor(t, node.EngineMemory)
	first, err := Recover(s.options())
	must(t, err)
	again, err := Recover(s.options())
	if err != nil || !again.Done || again.KeptAs != "" {
		t.Errorf("again: %+v, %v", again, err)
	}
	closeNode(t, s.start(t, clusterName))
	o := s.options()
	o.ClusterName, o.Now = "third", time.Now().Add(time.Hour)
	o.Members = s.members[:1]
	if _, err := Recover(o); err != nil && !errors.Is(err, raft.ErrForceNotNeeded) {
		t.Error(err)
	}
	if records, err := readAudit(s.dir); err != nil || len(records) == 0 || records[0].NewIncarnation != first.NewIncarnation {
		t.Errorf("the records are %+v, %v", records, err)
	}
}
