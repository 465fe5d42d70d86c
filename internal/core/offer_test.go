// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// An offer that is ready when the leadership is over is not sent, also not by who leads
// again: the snapshot may cover what was committed later, and would be taken for the earlier
// leader's.
func TestOfferOfAPastLeadership(t *testing.T) {
	made := func(term wire.Term) OfferMade {
		return OfferMade{To: 2, Offer: &wire.SnapshotOffer{Term: term, Epoch: 1, Snapshot: metaFrom(historyOf(1, 2), 2)}}
	}
	r := threeVoters(t, 1)
	r.lead()
	r.sync()
	r.wantIn(r.do(made(2)), "Send to 2: SnapshotOffer term=2")
	r.receive(3, &wire.Heartbeat{Term: 3})
	r.sync()
	r.wantNone(r.do(made(2)), "SnapshotOffer")
	r.lead()
	r.sync()
	if r.core.Term() <= 3 {
		t.Fatalf("it leads in term %d", r.core.Term())
	}
	r.wantNone(r.do(made(2)), "SnapshotOffer")
}
