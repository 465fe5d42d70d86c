// SPDX-License-Identifier: Apache-2.0

package demo

// outcome is what a client knows of a write.
type outcome uint8

const (
	// refused is a write that was surely not applied: it was not sent, or the server
	// said so. It may be sent again.
	refused outcome = iota
	// acknowledged is a write that must be there.
	acknowledged
	// unknown is a write that may be there or not, but not twice.
	unknown
)

// ledger is what one client knows of its writes. It belongs to the client's goroutine
// until that has ended.
type ledger struct {
	// sets has the outcome of the SET of key number i.
	sets []outcome
	// appends has the outcome of the APPEND of token number i.
	appends []outcome
	// incrs counts the INCRs of the client's counter by outcome.
	incrs [unknown + 1]int
	// lastCount is the highest value that an INCR returned.
	lastCount int64
	// wrong counts answers that cannot be.
	wrong int
	// complaint is the latest answer that cannot be, or error that was not expected.
	complaint string
}

func (l *ledger) count(what outcome) int {
	n := l.incrs[what]
	for _, list := range [][]outcome{l.sets, l.appends} {
		for _, o := range list {
			if o == what {
				n++
			}
		}
	}
	return n
}
