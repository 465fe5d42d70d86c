// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wal"
)

// Options say what Recover is to do. Dir and Members are required.
type Options struct {
	// Dir is the folder of a node that does not run.
	Dir string
	// Members are those who are to be the voters from now on.
	Members []raft.Member
	// ClusterName, unless empty, gives the folder to the cluster of this name, so that nodes of the old
	// one and this node refuse each other.
	ClusterName string
	// SegmentBytes is the size of the new log's files. Default: that of package wal.
	SegmentBytes int
	// Args are what the audit record is to say of how this was asked for.
	Args []string
	// Now is the time, for the audit record and the name that the old folder gets. Default: now.
	Now time.Time
	// Logger gets what a person should know; nil means none.
	Logger *slog.Logger

	// step is called before each step, and an error of it is as a crash there. It is for tests.
	step func(name string) error
}

// Report is what Recover does, or would do.
type Report struct {
	Dir  string `json:"dir"`
	Node uint64 `json:"node"`
	// Done says that it was done. If the folder needed nothing, KeptAs is empty.
	Done bool `json:"done"`
	// Resumed says that an earlier Recover, which was interrupted, was brought to its end: then what
	// follows is what that one did.
	Resumed bool `json:"resumed,omitempty"`
	// Refusal is why it is not done.
	Refusal string `json:"refusal,omitempty"`
	// KeptAs is where the old folder is.
	KeptAs string `json:"kept_as,omitempty"`

	Group          uint64 `json:"group"`
	Cluster        string `json:"cluster"`
	NewCluster     string `json:"new_cluster,omitempty"`
	Incarnation    string `json:"incarnation"`
	NewIncarnation string `json:"new_incarnation,omitempty"`

	// Before and After are the members. Earlier are those before, if they are
	// others and it is not known whether Before was ever committed.
	Before   Membership  `json:"before"`
	BeforeAt uint64      `json:"before_at"`
	Earlier  *Membership `json:"earlier,omitempty"`
	After    Membership  `json:"after"`
	Gone     []uint64    `json:"gone"`
	// OnlyLearned are those of After who did not vote before.
	OnlyLearned []uint64 `json:"only_learned,omitempty"`
	// Last is the last entry of the log, Committed up to where it is known here to be committed, Forced
	// the entry that is added.
	Last      Position `json:"last"`
	Committed uint64   `json:"committed"`
	Forced    Position `json:"forced"`
	// MayLose says that commands may have been acknowledged that none of the members has.
	MayLose bool `json:"may_lose"`
	// DamagedSnapshots are those that are newer than the one to start from, and damaged.
	DamagedSnapshots int `json:"damaged_snapshots,omitempty"`
	// NotTaken are names in the old folder that are not the node's, and stay there.
	NotTaken []string `json:"not_taken,omitempty"`
}

// Errors of a recovery.
var (
	// ErrInTheWay means that an interrupted recovery cannot be brought to its end, because there is
	// another folder by now.
	ErrInTheWay = errors.New("offline: an interrupted recovery is in the way")
)

// unfinishedSuffix and keptInfix are what folders beside the node's are called.
const (
	unfinishedSuffix = ".recovering"
	keptInfix        = ".before-recover-"
)

// Plan tells what Recover would do, and changes nothing. A refusal is in the report, not an error. If the folder
// needs nothing, the report says that it is done.
func Plan(o Options) (Report, error) {
	r, err := newRecovery(o)
	if err != nil {
		return Report{}, err
	}
	if report, ok, err := r.interrupted(); ok || err != nil {
		return report, err
	}
	if err := r.open(); err != nil {
		return r.report, err
	}
	r.isDone()
	return r.report, r.close()
}

// Recover makes a node serve again whose group has lost its quorum for good: its group gets other
// members, without asking the old ones; see raft.ForceMembership. It builds a new folder beside the
// old one, with everything that this had, a new incarnation and a line in its audit file, and puts
// it in place of the old one, which is kept. If it is interrupted, at whatever point, it can be
// called again, and until it is through the old folder is as it was, or there is none of its name.
func Recover(o Options) (report Report, err error) {
	r, err := newRecovery(o)
	if err != nil {
		return Report{}, err
	}
	if report, ok, err := r.interrupted(); ok || err != nil {
		if err == nil {
			report, err = r.resume(report)
		}
		return report, err
	}
	if err := r.open(); err != nil {
		return r.report, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	switch {
	case r.plan.Refusal != nil:
		return r.report, fmt.Errorf("%w: %s", r.plan.Refusal, r.plan.Reason)
	case r.isDone():
		return r.report, nil
	}
	if err = r.build(); err == nil {
		err = r.swap()
	}
	return r.report, err
}

// recovery is the work of Recover.
type recovery struct {
	Options
	unfinished string
	cluster    raft.ClusterID
	folder     *Folder
	plan       raft.ForcePlan
	report     Report
}

func newRecovery(o Options) (*recovery, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" {
		return nil, errors.Join(errors.New("offline: the folder's name is none"), err)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Logger == nil {
		o.Logger = discard
	}
	if o.step == nil {
		o.step = func(string) error { return nil }
	}
	o.Dir = dir
	return &recovery{Options: o, unfinished: dir + unfinishedSuffix}, nil
}

// open opens the old folder and makes the plan.
func (r *recovery) open() (err error) {
	if r.folder, err = Open(r.Dir, r.Logger); err != nil {
		return err
	}
	r.plan, err = raft.PlanForce(r.folder.target(r.Members))
	if err == nil {
		err = r.checkState()
	}
	if err == nil {
		err = r.describe()
	}
	if err != nil {
		return errors.Join(err, r.close())
	}
	return nil
}

// checkState refuses to recover what a node could not be started with.
func (r *recovery) checkState() error {
	problem, err := r.folder.stateProblem()
	if err == nil && problem != "" && r.plan.Refusal == nil {
		r.plan.Refusal, r.plan.Reason = raft.ErrForceStateLost, problem
	}
	return err
}

// close gives the old folder back, if it was not yet.
func (r *recovery) close() error {
	if r.folder == nil {
		return nil
	}
	err := r.folder.Close()
	r.folder = nil
	return err
}

func (r *recovery) describe() error {
	id, p := r.folder.Log.Identity(), &r.plan
	r.cluster = id.Cluster
	r.report = Report{
		Dir: r.Dir, Node: uint64(id.Node), Group: uint64(groupID), Cluster: id.Cluster.String(), Incarnation: incarnation(id.Incarnation),
		KeptAs: r.Dir + keptInfix + r.Now.UTC().Format("20060102T150405Z"),
		Before: describe(&p.Before), BeforeAt: uint64(p.BeforeAt), After: describe(&p.After), Gone: numbers(p.Gone), OnlyLearned: numbers(p.Learners),
		Last: position(p.Last), Committed: uint64(p.Committed), Forced: position(p.Forced), MayLose: p.MayLose, DamagedSnapshots: p.Damaged,
	}
	if earlier := describe(&p.Earlier); !p.Earlier.IsEmpty() && earlier.String() != r.report.Before.String() {
		r.report.Earlier = &earlier
	}
	if p.Refusal != nil {
		r.report.Refusal = fmt.Sprintf("%v: %s", p.Refusal, p.Reason)
	}
	if r.ClusterName != "" {
		r.cluster = raft.NewClusterID(r.ClusterName)
		r.report.NewCluster = r.cluster.String()
	}
	return r.findOthers()
}

// isDone reports whether the folder needs nothing, and notes it.
func (r *recovery) isDone() bool {
	isDone := r.plan.Refusal == nil && r.plan.IsDone && r.cluster == r.folder.Log.Identity().Cluster
	if isDone {
		r.report.Done, r.report.KeptAs = true, ""
	}
	return isDone
}

// findOthers finds what in the old folder is not known to be a node's.
func (r *recovery) findOthers() error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		isLog := name == "lock" || name == "identity" || strings.HasSuffix(name, ".segment") || strings.HasSuffix(name, ".spare") || strings.HasSuffix(name, ".tmp")
		if !isLog && name != auditName && name != snapshotsFolder && name != stateFolder {
			r.report.NotTaken = append(r.report.NotTaken, name)
		}
	}
	return nil
}

// finished returns the record with which the unfinished folder was finished, if it was.
func (r *recovery) finished() (Record, bool, error) {
	id, err := wal.Identify(wal.Options{Dir: r.unfinished})
	if err != nil {
		return Record{}, false, nil // It is not even begun, or not that far.
	}
	records, err := readAudit(r.unfinished)
	if err != nil || len(records) == 0 {
		return Record{}, false, err
	}
	last := records[len(records)-1]
	return last, last.NewIncarnation == incarnation(id.Incarnation), nil
}

// interrupted finds out whether an earlier recovery has to be brought to its end: it had finished the new
// folder, and the old one is not in its place any more.
func (r *recovery) interrupted() (Report, bool, error) {
	record, ok, err := r.finished()
	if !ok || err != nil {
		return Report{}, false, err
	}
	id, err := wal.Identify(wal.Options{Dir: r.Dir})
	report := record.Report
	report.Resumed, report.Done = true, false
	switch {
	case errors.Is(err, wal.ErrNoLog):
		_, err := os.Lstat(r.Dir)
		if errors.Is(err, fs.ErrNotExist) {
			return report, true, nil
		}
		return report, false, fmt.Errorf("%w: %s is ready, and %s, which it is to replace, is no node's folder any more: move that away, and do it again",
			ErrInTheWay, r.unfinished, r.Dir)
	case err != nil:
		return report, false, err
	case incarnation(id.Incarnation) == record.Incarnation:
		return Report{}, false, nil // It is begun anew.
	}
	return report, false, fmt.Errorf("%w: %s is ready, but %s was made since: move the one that is not wanted away, and do it again",
		ErrInTheWay, r.unfinished, r.Dir)
}
