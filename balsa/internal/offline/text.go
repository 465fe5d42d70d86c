// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"
	"io"
)

// WriteText writes the report for people.
func (r *Report) WriteText(out io.Writer) error {
	p := printer{w: out}
	switch {
	case r.Resumed && r.Done:
		p.line("%s: a recovery that was interrupted is finished now. It was this:", r.Dir)
	case r.Resumed:
		p.line("%s: a recovery was interrupted; it is to be finished. It was this:", r.Dir)
	case r.Done && r.KeptAs == "":
		p.line("%s: the group has just these members already, and waits for all of them. Nothing was changed.", r.Dir)
		return p.err
	}
	p.line("folder       %s, of node %d", r.Dir, r.Node)
	p.line("log          ends with entry %v; known here to be committed: up to entry %d", r.Last, r.Committed)
	p.line("members now  %v (entry %d)", r.Before, r.BeforeAt)
	if r.Earlier != nil {
		p.line("             it is not known whether that was ever agreed on; before it: %v", *r.Earlier)
	}
	p.line("members then %v (entry %v)", r.After, r.Forced)
	p.line("left out     voters %d", r.Gone)
	if r.Refusal != "" {
		p.line("refused      %s", r.Refusal)
		return p.err
	}
	r.consequences(&p)
	r.results(&p)
	return p.err
}

// consequences says what it means, for better and for worse.
func (r *Report) consequences(p *printer) {
	if r.MayLose {
		p.line("MAY BE LOST  commands that were acknowledged by the voters left out alone, and that no member of the new list has")
	} else {
		p.line("lost         nothing that was acknowledged, if all of the new members still have what they had")
	}
	if behind := r.Last.Index - min(r.Committed, r.Last.Index); behind > 0 {
		p.line("kept         %d entries behind entry %d, also those that may never have been acknowledged: they count from now on", behind, r.Committed)
	}
	if len(r.OnlyLearned) > 0 {
		p.line("careful      %d did not vote so far, and may be further behind than a voter can be", r.OnlyLearned)
	}
	if r.DamagedSnapshots > 0 {
		p.line("careful      %d newer snapshots are damaged, and are left out", r.DamagedSnapshots)
	}
	if len(r.After.Voters) > 1 {
		p.line("careful      do the same on each of the new members, and only then start them: all have to answer, and the most complete log wins")
	}
	if r.NewCluster == "" {
		p.line("careful      the nodes left out must never be started again with their folders, or they take this node away from its group;")
		p.line("             --cluster-name with a new name keeps them apart")
	}
}

func (r *Report) results(p *printer) {
	verb := "would be"
	if r.Done {
		verb = "is"
	}
	p.line("old folder   %s kept as %s", verb, r.KeptAs)
	if r.NewCluster != "" {
		p.line("cluster      %s %s, was %s", verb, r.NewCluster, r.Cluster)
	}
	if r.Done {
		p.line("incarnation  %s, was %s", r.NewIncarnation, r.Incarnation)
	}
	if len(r.NotTaken) > 0 {
		p.line("not taken    %q: not the node's, so in the old folder only", r.NotTaken)
	}
	if !r.Done {
		return
	}
	next := "with the flags that it had"
	if r.NewCluster != "" {
		next += ", and with --cluster-name"
	}
	p.line("%s", fmt.Sprintf("Start the node %s. What was done is in %s in its folder.", next, auditName))
}
