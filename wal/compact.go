// SPDX-License-Identifier: Apache-2.0

package wal

// retire lets go of the oldest segments, if nothing in them is needed, and has them
// disposed of. The caller holds l.mu; what makes them superfluous is durable.
func (l *Log) retire() {
	if retired := l.index.retire(); len(retired) > 0 {
		l.retired = append(l.retired, retired...)
		l.spares.signal()
	}
}

// takeRetired returns the oldest segment that is to be disposed of, nil if there is
// none or somebody still reads from it. The caller owns it from then on.
func (l *Log) takeRetired() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.retired) == 0 || l.retired[0].pins > 0 {
		return nil
	}
	s := l.retired[0]
	l.retired = l.retired[1:]
	return s
}
