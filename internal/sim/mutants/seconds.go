// SPDX-License-Identifier: Apache-2.0

package main

// violated is how the model checker says that it has found an invariant violated, and
// the others how the simulator does: it numbers those of safety I, those of liveness L.
var (
	violated         = []string{"violated: "}
	safetyViolated   = []string{": I"}
	livenessViolated = []string{": L"}
)

// seconds are mutants that the layers above have to notice, too: the model checker,
// which tries everything within its bounds, and the simulator, which tries everything
// that goes wrong.
var seconds = []second{
	{of: "commit-older-term", layer: "core", run: "^TestFigure8$", property: "figure 8 by name"},
	{
		of: "vote-reply-before-sync", layer: "mc-crashes",
		property: "what is said is durable", expect: violated,
	},
	{
		of: "ack-before-sync", layer: "mc-crashes",
		property: "what is acknowledged is durable", expect: violated,
	},
	{
		of: "double-vote", layer: "mc-elections",
		property: "one vote a term", expect: violated,
	},
	{
		of: "vote-cleared-on-step-down", layer: "mc-elections",
		property: "one vote a term", expect: violated,
	},
	{
		of: "commit-older-term", layer: "mc-contradictions",
		property: "only entries of the own term are committed by counting (§5.4.2)", expect: violated,
	},
	{
		of: "durable-survives-truncation", layer: "mc-contradictions",
		property: "what was overwritten is not durable any more", expect: violated,
	},
	{of: "sync-skipped", layer: "sim", run: "^TestSeeds$", property: "no acknowledged write is lost", expect: safetyViolated},
	{of: "folder-not-synced", layer: "sim", run: "^TestSeeds$", property: "no acknowledged write is lost", expect: safetyViolated},
	{of: "leader-counts-unsynced", layer: "sim", run: "^TestSeeds$", property: "what is committed is durable on a quorum", expect: safetyViolated},
	{of: "waiters-by-index-only", layer: "sim-seeds", run: "^TestSeeds$", property: "what clients are told is true", expect: safetyViolated},
	{of: "forwarded-twice", layer: "sim", run: "^TestSeeds$", property: "no command is applied twice", expect: safetyViolated},
	{of: "room-not-given-back", layer: "sim", run: "^TestSeeds$", property: "every counter is back at rest in the end", expect: livenessViolated, liveness: true},
	{of: "applied-twice", layer: "sim", run: "^TestSeeds$", property: "state machines agree", expect: safetyViolated},
	{of: "lost-messages-not-found", layer: "sim", run: "^TestSeeds$", property: "a healed cluster agrees in bounded time", expect: livenessViolated, liveness: true},
	{of: "lost-disk-acknowledges", layer: "sim-seeds", property: "what is committed is durable on a quorum", expect: safetyViolated},
}
