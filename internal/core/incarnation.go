// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// A voter is an ID with a disk: its votes and its acknowledgements are promises of that disk, and
// with another one it is somebody else, who neither votes nor counts until it has been removed
// and added again (docs/decisions/0003). A membership says by the incarnation whom it means.

// anonymous is the incarnation of who has none: nobody can tell whether its disk was lost.
const anonymous wire.Incarnation = 1

// isMyself reports whether this member is the one that a membership means by an incarnation.
// Where none is recorded it is whoever has the ID, unless the membership in effect knows better:
// a voter that has lost its disk knows the anonymous membership, too, of before its group was
// formed.
func (c *Core) isMyself(meant wire.Incarnation) bool {
	if meant == 0 {
		meant = c.membership().Incarnation(c.cfg.ID)
	}
	return meant == 0 || meant == c.cfg.Incarnation
}

// isMeant reports whether a peer is, for all that is known, the one that the membership means.
func (p *peerState) isMeant() bool {
	return p.meant == 0 || p.incarnation == 0 || p.incarnation == p.meant
}

// isReborn notices that a peer answers with another data folder than before: nothing that it
// had acknowledged is there any more, and replication to it begins from nothing. An answer that
// names none is one to a leader of an earlier term; see teachTerm.
func (c *Core) isReborn(p *peerState, incarnation wire.Incarnation) bool {
	before := p.incarnation
	if incarnation == 0 || incarnation == before {
		return false
	}
	p.incarnation = incarnation
	if !p.isMeant() {
		c.emit(Notice{Kind: PeerLostDisk, Peer: p.ID})
	}
	if before == 0 {
		return false
	}
	p.Restart(c.log.Last())
	p.told, p.catchUp, p.dirty = 0, catchUp{}, true
	return true
}
