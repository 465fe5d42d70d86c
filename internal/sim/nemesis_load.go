// SPDX-License-Identifier: Apache-2.0

package sim

// overload proposes many commands at once.
func (w *world) overload() {
	n := w.anyNode()
	if !n.up {
		return
	}
	w.fault(Overload)
	for range 50 + w.injecting.IntN(200) {
		w.work.propose(n, opBytes+w.injecting.IntN(w.plan.commandBytes-opBytes+1))
	}
}

func (w *world) tooLarge() {
	if n := w.anyNode(); n.up {
		w.fault(TooLarge)
		w.work.propose(n, w.plan.commandMax+1+w.injecting.IntN(100))
	}
}
