// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wal"
	"github.com/balsa-raft/raft/wire"
)

// Inspection is what there is in a node's folder.
type Inspection struct {
	Dir         string `json:"dir"`
	Node        uint64 `json:"node"`
	Cluster     string `json:"cluster"`
	Incarnation string `json:"incarnation"`
	// InUse says that a process has the folder open: then there is no more than this.
	InUse bool `json:"in_use"`
	// Problem is why there is no more, if that is not it.
	Problem  string    `json:"problem,omitempty"`
	Groups   []Group   `json:"groups,omitempty"`
	Segments []Segment `json:"segments,omitempty"`
	// State is that of the disk engine, nil for the memory engine.
	State *State `json:"state,omitempty"`
	// DamagedSnapshots are the files whose beginning or end is damaged; verify reads all of each.
	DamagedSnapshots []string `json:"damaged_snapshots,omitempty"`
	// Recoveries are the times at which the folder was recovered.
	Recoveries []string `json:"recoveries,omitempty"`
}

// Group is what there is of one group.
type Group struct {
	ID   uint64 `json:"id"`
	Term uint64 `json:"term"`
	Vote uint64 `json:"vote"`
	// First is the first entry that the log holds, BehindTerm the term of the one before, Last
	// the last one.
	First      uint64   `json:"first_index"`
	BehindTerm uint64   `json:"behind_term"`
	Last       Position `json:"last"`
	// Forming says that the group waits for all of its members to elect its first leader.
	Forming     bool              `json:"forming"`
	Memberships []FoundMembership `json:"memberships,omitempty"`
	Snapshots   []Snapshot        `json:"snapshots,omitempty"`
}

// FoundMembership is a membership with the index of its entry. The latest is in effect.
type FoundMembership struct {
	Index uint64 `json:"index"`
	// InSnapshot says that a snapshot has it, and not the log.
	InSnapshot bool `json:"in_snapshot"`
	Membership
}

// Snapshot is a published snapshot.
type Snapshot struct {
	ID       string   `json:"id"`
	Last     Position `json:"last"`
	Bytes    uint64   `json:"bytes"`
	Checksum uint32   `json:"checksum"`
	Version  uint32   `json:"state_version"`
	// External says that the state is the disk engine's.
	External bool `json:"external"`
}

// Segment is one file of the log.
type Segment struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// State is the state on disk of the disk engine.
type State struct {
	Applied Position `json:"applied"`
	Keys    int      `json:"keys"`
}

// Inspect tells what there is in a folder, and changes nothing. It is safe while the node runs; then it
// tells no more than whose folder it is, because what is in it changes. An error means that not even that
// can be told; what else is wrong is in Problem.
func Inspect(dir string) (Inspection, error) {
	i := Inspection{Dir: dir}
	id, err := wal.Identify(wal.Options{Dir: dir})
	if errors.Is(err, wal.ErrNoLog) {
		return i, fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	if err != nil {
		return i, err
	}
	i.Node, i.Cluster, i.Incarnation = uint64(id.Node), id.Cluster.String(), incarnation(id.Incarnation)
	f, err := Open(dir, discard)
	switch {
	case errors.Is(err, wal.ErrLocked):
		i.InUse = true
		return i, nil
	case err != nil:
		i.Problem = err.Error()
		return i, nil
	}
	return i, errors.Join(i.read(f), f.Close())
}

func (i *Inspection) read(f *Folder) error {
	for _, id := range f.Log.Groups() {
		g, err := groupIn(f, id)
		if err != nil {
			return err
		}
		i.Groups = append(i.Groups, g)
	}
	if f.State != nil {
		i.State = &State{Applied: position(f.State.Applied()), Keys: f.State.Keys()}
	}
	if f.Snapshots != nil {
		for _, damage := range f.Snapshots.Damages() {
			i.DamagedSnapshots = append(i.DamagedSnapshots, damage.Path)
		}
	}
	records, err := readAudit(f.Dir)
	if err != nil {
		return err
	}
	for _, r := range records {
		i.Recoveries = append(i.Recoveries, r.Time)
	}
	return i.readSegments()
}

func groupIn(f *Folder, id raft.GroupID) (Group, error) {
	state, err := f.Log.Load(id)
	if err != nil {
		return Group{}, err
	}
	g := Group{
		ID: uint64(id), Term: uint64(state.HardState.Term), Vote: uint64(state.HardState.Vote),
		First: uint64(state.Compacted.Index) + 1, BehindTerm: uint64(state.Compacted.Term),
		Last: Position{Term: uint64(state.Compacted.Term), Index: uint64(state.Last)},
	}
	if n := len(state.Terms); n > 0 {
		g.Last.Term = uint64(state.Terms[n-1].Term)
	}
	if err := g.addSnapshots(f, id); err != nil {
		return g, err
	}
	for _, entry := range state.Memberships {
		m, err := wire.DecodeMembership(entry.Data)
		if err != nil {
			return g, fmt.Errorf("offline: the membership at entry %d of group %d: %w", entry.Index, id, err)
		}
		g.Memberships = append(g.Memberships, FoundMembership{Index: uint64(entry.Index), Membership: describe(&m)})
		g.Forming = entry.Index == state.Last && m.Incarnation(m.Voters[0]) == 0 && !m.IsChanging()
	}
	return g, nil
}

// addSnapshots adds the snapshots, and the membership of the newest.
func (g *Group) addSnapshots(f *Folder, id raft.GroupID) error {
	if f.Snapshots == nil {
		return nil
	}
	metas, err := f.Snapshots.List(id)
	for n := range metas {
		meta := &metas[n]
		g.Snapshots = append(g.Snapshots, Snapshot{
			ID: meta.ID.String(), Last: position(meta.Last), Bytes: meta.Size, Checksum: meta.Checksum, Version: meta.Version, External: meta.External,
		})
		if n == 0 && meta.MembershipAt < raft.Index(g.First) {
			g.Memberships = append(g.Memberships, FoundMembership{
				Index: uint64(meta.MembershipAt), InSnapshot: true, Membership: describe(&meta.Membership),
			})
		}
	}
	return err
}

func (i *Inspection) readSegments() error {
	entries, err := os.ReadDir(i.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".segment") {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		i.Segments = append(i.Segments, Segment{File: entry.Name(), Bytes: info.Size()})
	}
	return nil
}

// WriteText writes the inspection for people.
func (i *Inspection) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	p := printer{w: w}
	p.line("folder\t%s", i.Dir)
	p.line("node\t%d", i.Node)
	p.line("cluster\t%s", i.Cluster)
	p.line("incarnation\t%s", i.Incarnation)
	switch {
	case i.InUse:
		p.line("in use\tyes: stop the node to see more, or ask it (balsa status)")
	case i.Problem != "":
		p.line("problem\t%s", i.Problem)
	}
	for _, g := range i.Groups {
		p.group(&g)
	}
	for _, path := range i.DamagedSnapshots {
		p.line("snapshot\tDAMAGED: %s", path)
	}
	if i.State != nil {
		p.line("state on disk\t%d keys, applied up to %v", i.State.Keys, i.State.Applied)
	}
	for _, s := range i.Segments {
		p.line("log file\t%s, %d bytes", s.File, s.Bytes)
	}
	for _, at := range i.Recoveries {
		p.line("recovered\t%s, see %s", at, auditName)
	}
	return errors.Join(p.err, w.Flush())
}

// printer writes lines. The first error sticks.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) group(g *Group) {
	p.line("group %d\tterm %d, vote for %d", g.ID, g.Term, g.Vote)
	p.line("  log\tfrom entry %d to %v", g.First, g.Last)
	for _, m := range g.Memberships {
		where := ""
		if m.InSnapshot {
			where = " (in the snapshot)"
		}
		p.line("  members since %d\t%v%s", m.Index, m.Membership, where)
	}
	if g.Forming {
		p.line("  forming\tyes: all its members have to vote for the first leader")
	}
	for _, s := range g.Snapshots {
		what := fmt.Sprintf("%d bytes", s.Bytes)
		if s.External {
			what = "the state is on disk"
		}
		p.line("  snapshot %s\tup to %v, %s", s.ID, s.Last, what)
	}
}
