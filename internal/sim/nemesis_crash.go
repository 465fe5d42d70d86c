// SPDX-License-Identifier: Apache-2.0

package sim

func (w *world) crashLeader() {
	if leader := w.leader(); leader != nil {
		leader.crash(CrashLeader, true)
	}
}

// crashInSave makes the power fail at one of the next operations of a disk.
func (w *world) crashInSave() {
	n := w.anyNode()
	if n.up {
		n.disk.crashAt = 1 + w.injecting.IntN(8)
		n.disk.crashKind = CrashInSave
	}
}

func (w *world) crashMany(f Fault, count int) {
	for _, i := range w.injecting.Perm(len(w.nodes))[:count] {
		w.nodes[i].crash(f, true)
	}
}
