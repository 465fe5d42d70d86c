// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// silenced are edits that leave the simulator with nothing but the specification of
// package refine to notice a bug: the invariants of production do not stop the program,
// and those of the simulator report nothing.
var silenced = []edit{
	{"internal/invariant/invariant.go",
		"func Check(cond bool, msg string, kv ...any) {\n\tif !cond {",
		"func Check(cond bool, msg string, kv ...any) {\n\tif !cond && msg == \"\" {"},
	{"internal/sim/safety/checker.go",
		"\tif c.violation == nil {\n\t\tc.violation = v\n",
		"\tif c.violation == nil && len(v.Invariant) > 10 && v.Invariant[:10] == \"refinement\" {\n\t\tc.violation = v\n"},
}

// refined are mutants that the specification has to notice by itself, with the
// action of the paper that is not what it should be.
var refined = []second{
	explained("vote-reply-before-sync", "Send", "the term is durable before it is spoken of (§5.1)"),
	explained("ack-before-sync", "Send", "entries are durable before they are acknowledged (figure 2)"),
	explained("ack-last-index", "Send", "what is acknowledged to a leader is its own (§5.3)"),
	explained("heartbeat-commit-uncapped", "Send", "what is said to be committed, the receiver holds (§5.3)"),
	explained("term-not-persisted", "State", "a term changes by being written (figure 2)"),
	explained("vote-cleared-on-step-down", "State", "a vote changes with its term only (§5.2)"),
	explained("pre-vote-changes-state", "UpdateTerm", "a pre-vote teaches no term (thesis §9.6)"),
	explained("double-vote", "GrantVote", "one vote a term (§5.2)"),
	explained("reply-teaches-vote", "GrantVote", "who gets a vote has asked for it (§5.2)"),
	explained("own-vote-before-sync", "Count", "the own vote counts when it is durable (figure 2)"),
	explained("quorum-off-by-one", "BecomeLeader", "a leader has the votes of a quorum (§5.2)"),
	explained("entries-stamped-with-another-term", "ClientRequest", "entries are of the leader's term (§5.3)"),
	explained("truncate-on-match", "AppendEntries", "only a conflict truncates (§5.3)"),
	explained("follower-commit-uncapped", "AdvanceCommit", "a follower commits what matches (§5.3)"),
	explained("commit-older-term", "AdvanceCommit", "only entries of the own term are committed by counting (§5.4.2)"),
	explained("leader-counts-unsynced", "AdvanceCommit", "what is committed is durable on a quorum (§5.3)"),
	explained("completion-means-everything", "Sync", "what is taken for durable survives a crash (figure 2)"),
}

func explained(of, action, property string) second {
	return second{of: of, layer: "sim-seeds", property: property, expect: []string{": refinement, " + action + ":"}}
}

// refinedMutants are those of refined, in a simulator that is silenced.
func refinedMutants(all []mutant) []mutant {
	var mutants []mutant
	for _, s := range refined {
		m := s.mutant(all)
		m.edits = slices.Concat(m.edits, silenced)
		mutants = append(mutants, m)
	}
	return mutants
}
