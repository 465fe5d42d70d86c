// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"strings"
)

// Fault is a kind of fault. The numbers in the comments are those of the fault catalogue.
type Fault uint8

// The kinds of faults.
const (
	Drop            Fault = iota // N1: messages lost one by one
	DropBurst                    // N1: all messages of a link lost for a while
	Duplicate                    // N2
	Replay                       // N2: an old message comes again
	ReplayRestart                // N2: one from before the receiver's restart
	Reorder                      // N3
	Delay                        // N4: messages late by about an election time-out
	Clog                         // N4: a link holds everything back, then lets it go
	Corrupt                      // N5
	CutNode                      // N6: one node from all others
	CutLeader                    // N6: the leader from all others
	CutHalves                    // N6
	CutOneWay                    // N7: one direction of one link
	CutMute                      // N7: a node hears, and is not heard
	CutDeaf                      // N7: a node is heard, and does not hear
	CutPartial                   // N8: a random graph
	CutRing                      // N8: each node sees its neighbours
	CutBridge                    // N8: two halves with one node between
	CutLeaderLink                // N8: the leader and one follower
	Flap                         // N12: cuts faster than an election
	Refuse                       // the transport's lane is full
	Break                        // connections break, which the transport tells
	CrashPower                   // P1, D1: power loss of one node
	CrashKill                    // P1: a process ends, what it wrote stays in the cache
	CrashLeader                  // P1: power loss of the leader
	CrashInSave                  // P2: power loss at an operation of a Save
	CrashInOpen                  // P3: power loss during recovery
	CrashAll                     // P4: power loss of all nodes
	CrashMajority                // P4: of most nodes
	Pause                        // P5
	PauseLeader                  // P5
	Slow                         // P8: everything in a node takes longer
	Interleave                   // threads of a node meet in the middle of a disk operation
	LoseUnsynced                 // D1, D15: a crash loses what was not synced
	TearSector                   // D2: a crash tears or garbles what was not synced
	KeepSome                     // D3: a crash keeps what was not synced, out of order
	ShortWrite                   // D4
	WriteError                   // D5: a write fails, once
	WriteErrorAll                // D5: all fail, until the disk is replaced
	SyncError                    // D6: a sync fails once, and what was written counts as written
	SyncErrorAll                 // D6
	Full                         // D7: no space for a while
	ReadError                    // D8: reads fail for a while
	ReadErrorOpen                // D8: a read fails during recovery
	ReadFlip                     // D9: a read returns a wrong bit
	BitRot                       // D9: a disk returns wrong bits for ever
	Misdirect                    // D10: a sector is found in the place of another
	LostWrite                    // D11: a sector holds zeroes
	SlowDisk                     // D13
	StallDisk                    // D14
	NoFile                       // D19: files cannot be created or opened for a while
	Drift                        // C2
	LateTimer                    // C4
	BurstTimer                   // C4: timers are served on the beat of a slow clock
	Overload                     // O1: many more commands than usual
	TooLarge                     // O2: commands that exceed the limit
	Starve                       // N9: a link carries few bytes a second
	SlowPeer                     // N14: all messages from and to a node take longer
	EmptyDisk                    // P6: a node comes back with an empty disk
	StallApply                   // P10: the state machine hangs for a while
	LostFile                     // D16: a file is gone
	Suspend                      // C5: a node stops, and so does its clock
	CrashInSnapshot              // P2: power loss at an operation on a snapshot's file
	CrashReceiver                // power loss of who is fetching a snapshot
	CrashSender                  // power loss of who is sending one
	CutTransfer                  // the link between the two, in the middle of it
	DeposeSender                 // who is sending one is cut off from all but the receiver
	SlowSender                   // who is sending one gets slow
	SnapshotError                // D5, D6, D7: an operation on a snapshot's file fails
	RotSnapshot                  // D9: in a snapshot
	RotUnfinished                // D9: in one that is not finished
	LostSnapshot                 // D16
	CutSnapshot                  // D16: a file is cut off
	StrandLeader                 // a leader is alone for long, with clients that do not know
	StrandNode                   // another node is
	AddMember                    // M1: a change that adds a node
	RemoveMember                 // M1
	ReplaceMember                // M1: one node for another, in one step
	DemoteVoter                  // M1
	PromoteLearner               // M1
	SwapVoters                   // M2: all the voters are others
	ChangeAddress                // M1: nothing but an address changes
	RemoveLeader                 // M3
	AddAgain                     // M4: a node that was removed, with the disk it has
	AddAgainEmpty                // M4: with an empty disk
	AddAbsent                    // M5: a node that does not run, and may never
	Retarget                     // M6: a change under way gets another target
	CancelChange                 // M6
	ForceChange                  // M7: though some of the voters to be do not answer
	KillInCatchUp                // M8: power loss of the leader while new voters catch up
	KillInJoint                  // M8: while the membership is joint
	KillInFinal                  // M8: while the last membership is not committed
	Repair                       // M4: a voter with another disk is removed, and added again

	faultCount
)

var faultNames = [faultCount]string{
	"drop", "drop-burst", "duplicate", "replay", "replay-restart", "reorder", "delay", "clog", "corrupt",
	"cut-node", "cut-leader", "cut-halves", "cut-one-way", "cut-mute", "cut-deaf", "cut-partial", "cut-ring", "cut-bridge",
	"cut-leader-link", "flap", "refuse", "break",
	"crash-power", "crash-kill", "crash-leader", "crash-in-save", "crash-in-open", "crash-all", "crash-majority",
	"pause", "pause-leader", "slow", "interleave",
	"lose-unsynced", "tear-sector", "keep-some", "short-write", "write-error", "write-error-all", "sync-error", "sync-error-all",
	"full", "read-error", "read-error-open", "read-flip", "bit-rot", "misdirect", "lost-write", "slow-disk", "stall-disk", "no-file",
	"drift", "late-timer", "burst-timer", "overload", "too-large",
	"starve", "slow-peer", "empty-disk", "stall-apply", "lost-file", "suspend",
	"crash-in-snapshot", "crash-receiver", "crash-sender", "cut-transfer", "depose-sender", "slow-sender", "snapshot-error",
	"rot-snapshot", "rot-unfinished", "lost-snapshot", "cut-snapshot", "strand-leader", "strand-node",
	"add-member", "remove-member", "replace-member", "demote-voter", "promote-learner", "swap-voters", "change-address", "remove-leader",
	"add-again", "add-again-empty", "add-absent", "retarget", "cancel-change", "force-change",
	"kill-in-catch-up", "kill-in-joint", "kill-in-final", "repair",
}

// String names the fault.
func (f Fault) String() string {
	if f < faultCount {
		return faultNames[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// Faults is a set of kinds of faults.
type Faults struct{ bits [2]uint64 }

// AllFaults returns the set of all kinds.
func AllFaults() (all Faults) {
	for f := range faultCount {
		all = all.With(f)
	}
	return all
}

// IsEmpty reports whether there is no kind in the set.
func (s Faults) IsEmpty() bool { return s == Faults{} }

// Has reports whether a kind is in the set.
func (s Faults) Has(f Fault) bool { return s.bits[f/64]>>(f%64)&1 == 1 }

// With returns the set with a kind, Without the set without it.
func (s Faults) With(f Fault) Faults {
	s.bits[f/64] |= 1 << (f % 64)
	return s
}

// Without returns the set without a kind.
func (s Faults) Without(f Fault) Faults {
	s.bits[f/64] &^= 1 << (f % 64)
	return s
}

// And returns the set with all kinds of another one, Minus the set without them.
func (s Faults) And(other Faults) Faults {
	for i := range s.bits {
		s.bits[i] |= other.bits[i]
	}
	return s
}

// Minus returns the set without the kinds of another one.
func (s Faults) Minus(other Faults) Faults {
	for i := range s.bits {
		s.bits[i] &^= other.bits[i]
	}
	return s
}

// String names the kinds, separated by commas.
func (s Faults) String() string {
	var names []string
	for f := range faultCount {
		if s.Has(f) {
			names = append(names, f.String())
		}
	}
	return strings.Join(names, ",")
}

// ParseFaults is the inverse of Faults.String.
func ParseFaults(text string) (Faults, error) {
	var set Faults
	if text == "" {
		return set, nil
	}
	for _, name := range strings.Split(text, ",") {
		found := false
		for f := range faultCount {
			if f.String() == name {
				set, found = set.With(f), true
			}
		}
		if !found {
			return Faults{}, fmt.Errorf("sim: no fault is called %q", name)
		}
	}
	return set, nil
}

// Counts says how often each kind of fault happened.
type Counts [faultCount]uint64
