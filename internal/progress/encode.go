// SPDX-License-Identifier: Apache-2.0

package progress

// Words returns, in a fixed order, all that decides what p does next but for times:
// two that agree in them behave alike. ID is the first, so that whoever relabels the
// members finds it; the rest names nobody.
func (p *Progress) Words() [10]uint64 {
	return [10]uint64{
		uint64(p.ID), uint64(p.State), uint64(p.Match), uint64(p.Next), uint64(p.Epoch), uint64(p.Sent),
		uint64(p.mark.round), uint64(p.mark.epoch), uint64(p.mark.sent), uint64(p.Pin),
	}
}

// Clone returns a copy that shares nothing with p.
func (p *Progress) Clone() *Progress {
	clone := *p
	return &clone
}
