// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"time"
)

// FaultKind is what a Link does with what should pass through it.
type FaultKind string

// The kinds of faults.
const (
	// Hold takes bytes and keeps them until it ends: then they arrive, late. New
	// connections are taken and get no answer.
	Hold FaultKind = "hold"
	// Drop takes bytes and loses them. Connections that lost some break when it ends.
	Drop FaultKind = "drop"
	// Reset breaks connections and refuses new ones.
	Reset FaultKind = "reset"
	// Delay lets everything arrive later by Fault.Delay, in order.
	Delay FaultKind = "delay"
	// Slow lets through Fault.BytesPerSecond.
	Slow FaultKind = "slow"
	// Truncate breaks each connection after Fault.After bytes more, wherever that is.
	Truncate FaultKind = "truncate"
	// Flip changes one bit of each connection after Fault.After bytes more. The
	// connections break when it ends: a receiver may wait for the end of a frame whose
	// length was changed, for as long as it is not there.
	Flip FaultKind = "flip"
)

// FaultKinds are all kinds of faults.
var FaultKinds = []FaultKind{Hold, Drop, Reset, Delay, Slow, Truncate, Flip}

// Fault is what is wrong with a link. The zero Fault is none. Of the numbers only those
// count that the kind names.
type Fault struct {
	Kind           FaultKind
	Delay          time.Duration
	BytesPerSecond int
	After          int
}

// String writes the fault in few words.
func (f Fault) String() string {
	switch f.Kind {
	case "":
		return "no fault"
	case Delay:
		return fmt.Sprintf("delay of %v", f.Delay)
	case Slow:
		return fmt.Sprintf("%d bytes/s", f.BytesPerSecond)
	case Truncate, Flip:
		return fmt.Sprintf("%s after %d bytes", f.Kind, f.After)
	}
	return string(f.Kind)
}
