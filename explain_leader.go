// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"time"
)

// explainLeadership says who leads or why nobody does.
func (e *explainer) explainLeadership() {
	s := e.s
	switch {
	case s.Role == RoleLeader:
		e.explainOwnLeadership()
	case s.Leader != 0:
		e.find(SeverityInfo, "follows", s.ID, fmt.Sprintf("Node %d leads in term %d, and node %d, %s, follows it.", s.Leader, s.Term, s.ID, e.part()), "")
	default:
		e.explainNoLeader()
	}
	switch {
	case s.Drained && s.Role == RoleLeader:
		e.find(SeverityWarning, "drained", s.ID, fmt.Sprintf("Node %d leads, though it was told not to: nobody has taken over yet, and commands wait during each try.", s.ID),
			"See explain on the other voters: they may be drained, too. undrain takes it back.")
	case s.Drained:
		e.find(SeverityWarning, "drained", s.ID, fmt.Sprintf("Node %d was told not to lead.", s.ID), "undrain takes that back.")
	}
}

// part says what this member is.
func (e *explainer) part() string {
	switch m := &e.s.Membership; {
	case m.IsVoter(e.s.ID):
		return "a voter"
	case m.Contains(e.s.ID):
		return "a learner"
	}
	return "no member by a change that may not be committed"
}

func (e *explainer) explainOwnLeadership() {
	s := e.s
	tally := e.tally(s.answers)
	e.find(SeverityInfo, "leads", s.ID, fmt.Sprintf("Node %d leads in term %d. %s", s.ID, s.Term, tally.sentence()), "")
	if s.Transferring != 0 {
		e.find(SeverityInfo, "transferring", s.Transferring, fmt.Sprintf("Leadership is being handed over to node %d.", s.Transferring), "")
	}
	switch {
	case tally.spare < 0:
		e.find(SeverityProblem, "quorum_lost", 0, "Too few voters answer, and the leader is about to step down. "+tally.sentence(), startAdvice(tally.missing))
	case tally.spare == 0 && len(tally.missing) > 0:
		e.find(SeverityWarning, "no_spare", 0, "If one more voter fails, the group stops. "+tally.sentence(), "")
	}
}

func (e *explainer) explainNoLeader() {
	s := e.s
	since := fmt.Sprintf("There has been no leader for %v, as far as node %d knows", brief(s.Leaderless), s.ID)
	tally := e.tally(func(id NodeID) bool { return id == s.ID && !s.LostDisk || id != s.ID && !e.isSilent(id) })
	switch {
	case s.Leaderless < e.patience():
		e.find(SeverityWarning, "election", 0, since+": an election is due or under way.", "Ask again in a moment.")
	case !s.Membership.IsVoter(s.ID):
		e.find(SeverityProblem, "no_leader", 0, fmt.Sprintf("%s; node %d, %s, takes no part in elections.", since, s.ID, e.part()), "See explain on the voters.")
	case tally.spare < 0 && !e.asks():
		e.find(SeverityProblem, "no_leader", 0, fmt.Sprintf("%s. Node %d does not stand for election, so that it asks nobody.%s", since, s.ID, e.silences(tally.missing)),
			"Whom it has not heard from does not run, does not reach it, or does not stand for election either: see explain on the other voters.")
	case s.Forming && len(tally.missing) > 0:
		e.find(SeverityProblem, "forming", 0, fmt.Sprintf(
			"The group is being formed, for which each of the voters %s has to answer once; %s not.%s",
			idList(s.Membership.Voters), does(tally.missing), e.silences(tally.missing)),
			startAdvice(tally.missing))
	case tally.spare < 0:
		e.find(SeverityProblem, "quorum_lost", 0, fmt.Sprintf("%s. %s%s", since, tally.sentence(), e.silences(tally.missing)),
			startAdvice(tally.missing)+" If too many of them are lost for good, there is recover, for a stopped node; it may lose writes.")
	default:
		e.find(SeverityProblem, "no_leader", 0, fmt.Sprintf("%s, though enough voters answer. %s", since, tally.sentence()),
			"See explain on the other voters: they may be drained, have lost their disks, or not reach each other. trigger-election starts an election now.")
	}
}

// asks reports whether this member asks the others for votes where there is no leader, so that it
// would hear from whoever runs. One that does not hears only from those that do.
func (e *explainer) asks() bool {
	s := e.s
	return !s.Drained && !s.LostDisk && !s.StateLost && !e.isDiskStuck()
}

func does(ids []NodeID) string {
	if len(ids) == 1 {
		return nodeList(ids) + " does"
	}
	return nodeList(ids) + " do"
}

// silences says for how long each of the nodes has been silent.
func (e *explainer) silences(ids []NodeID) string {
	var parts []string
	for _, c := range e.s.Contacts {
		for _, id := range ids {
			switch {
			case c.ID == id && c.Never:
				parts = append(parts, fmt.Sprintf("node %d was never heard from", id))
			case c.ID == id:
				parts = append(parts, fmt.Sprintf("node %d was last heard from %v ago", id, brief(c.Silence)))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " " + capital(listed(parts)) + "."
}

func startAdvice(missing []NodeID) string {
	if len(missing) == 0 {
		return ""
	}
	if len(missing) == 1 {
		return fmt.Sprintf("See that %s runs, on the data folder that it had, and that the network lets it through.", nodeList(missing))
	}
	return fmt.Sprintf("See that %s run, on the data folders that they had, and that the network lets them through.", nodeList(missing))
}

// patience is how long there may be no leader before that is worse than an election.
func (e *explainer) patience() time.Duration { return silenceTimeouts * e.s.ElectionTimeout }

// isSilent reports whether a member would have been heard from if it answered, and was not.
func (e *explainer) isSilent(id NodeID) bool {
	if e.s.Leaderless < e.patience() {
		return false
	}
	return e.silence(id) >= e.patience()
}

// silence is for how long another member was not heard from, zero if that is not known.
func (e *explainer) silence(id NodeID) time.Duration {
	for _, c := range e.s.Contacts {
		if c.ID == id {
			return c.Silence
		}
	}
	return 0
}
