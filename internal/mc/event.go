// SPDX-License-Identifier: Apache-2.0

package mc

import "fmt"

// kind is what may happen to a member, or to a message.
type kind uint8

const (
	// deliver hands a message to its receiver; deliverLate does so after the receiver
	// has not heard from its leader for an election time-out.
	deliver kind = iota
	deliverLate
	// duplicate and duplicateLate do the same, and the message stays under way.
	duplicate
	duplicateLate
	// drop loses a message.
	drop
	// timeout makes a member campaign, stepDown makes a leader miss its quorum,
	// heartbeat and tellNews are a leader's other deadlines.
	timeout
	stepDown
	heartbeat
	tellNews
	propose
	// endWrite ends the oldest write.
	endWrite
	unreachable
	crash
	// crashDamaged makes a member crash, whose newest snapshot then is damaged.
	crashDamaged
	// takeSnapshot makes a snapshot durable, compact forgets entries. publish makes a
	// snapshot durable that was fetched, receive tells the core so, too.
	takeSnapshot
	compact
	publish
	receive
	// restored and failToRestore end the restoring of a snapshot.
	restored
	failToRestore
	// want makes a member ask for a snapshot whose state is lost, makeOffer makes an offer
	// that the core has asked for.
	want
	makeOffer
	// change asks a leader for other members. letGo lets a leader hear from all its peers
	// for so long that it does not care any more for those who were removed.
	changeMembers
	letGo
	// wipe makes a member lose its disk, and restart with an empty one.
	wipe
	kinds
)

// The letters by which a script names what happens.
const letters = "dDuUxtkhnpswcCTKbreEqomlW"

// An action is a kind, the place of a member, and a number: of the message, of the
// command, of the peer, of the last entry that it is about, of the fetch, or of the target.
type action uint32

const (
	numberBits = 24
	placeBits  = 3
)

func newAction(k kind, place int, number uint32) action {
	return action(uint32(k)<<(numberBits+placeBits) | uint32(place)<<numberBits | number)
}

func (a action) kind() kind     { return kind(a >> (numberBits + placeBits)) }
func (a action) place() int     { return int(a >> numberBits & (1<<placeBits - 1)) }
func (a action) number() uint32 { return uint32(a & (1<<numberBits - 1)) }

// event returns the action as its member sees it.
func (a action) event() action {
	switch a.kind() {
	case duplicate:
		return newAction(deliver, a.place(), a.number())
	case duplicateLate:
		return newAction(deliverLate, a.place(), a.number())
	}
	return a
}

func (a action) isAboutMessage() bool { return a.kind() <= drop }

// keepsMessage reports whether the message stays under way.
func (a action) keepsMessage() bool { return a.kind() == duplicate || a.kind() == duplicateLate }

// describe says what happens, for transcripts.
func (m *model) describe(a action) string {
	node := a.place() + 1
	switch a.kind() {
	case deliver, deliverLate, duplicate, duplicateLate, drop:
		said := map[kind]string{
			deliver: "arrives", deliverLate: "arrives, when the receiver has not heard from its leader for long",
			duplicate: "arrives, and will again", duplicateLate: "arrives, and will again, when the receiver has not heard from its leader for long",
			drop: "is lost",
		}
		return fmt.Sprintf("%v %s", m.messages.at(a.number()), said[a.kind()])
	case timeout:
		return fmt.Sprintf("node %d loses patience", node)
	case stepDown:
		return fmt.Sprintf("node %d has not heard from its peers for long", node)
	case heartbeat:
		return fmt.Sprintf("node %d asserts itself", node)
	case tellNews:
		return fmt.Sprintf("node %d tells what is committed", node)
	case propose:
		return fmt.Sprintf("command %d is proposed to node %d", a.number(), node)
	case endWrite:
		return fmt.Sprintf("node %d's oldest write ends", node)
	case unreachable:
		return fmt.Sprintf("node %d may have lost messages to node %d", node, a.number())
	case takeSnapshot, compact:
		return fmt.Sprintf("node %d %s through %d", node, deeds[a.kind()], a.number())
	case changeMembers:
		return fmt.Sprintf("node %d is asked for %s", node, renderTarget(&m.bounds.Targets[a.number()]))
	case makeOffer:
		return fmt.Sprintf("node %d makes its offer to node %d", node, a.number())
	}
	return fmt.Sprintf("node %d %s", node, deeds[a.kind()])
}

// deeds are what a member does, or what happens to it.
var deeds = map[kind]string{
	crash: "crashes and restarts", crashDamaged: "crashes and restarts, and its newest snapshot is damaged",
	takeSnapshot: "has taken a snapshot", compact: "forgets entries", publish: "has fetched a snapshot, and not noticed yet",
	receive: "has fetched a snapshot", restored: "has restored a snapshot", failToRestore: "cannot restore a snapshot",
	want: "asks for a snapshot", letGo: "has heard from all its peers for long, and lets go of those who were removed",
	wipe: "loses its disk and restarts with an empty one",
}
