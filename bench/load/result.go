// SPDX-License-Identifier: Apache-2.0

package load

// Result is one measured cell. It is printed as one line of JSON.
type Result struct {
	System  string `json:"system"`
	Clients int    `json:"clients"`
	// Payload is the size of a command in bytes.
	Payload int `json:"payload"`
	// Round is set by the driver.
	Round int `json:"round"`
	// GOMAXPROCS is what the process ran with.
	GOMAXPROCS int `json:"gomaxprocs"`
	// Seconds is the length of the measured window.
	Seconds      float64 `json:"seconds"`
	Ops          uint64  `json:"ops"`
	OpsPerSecond float64 `json:"ops_per_second"`
	P50          float64 `json:"p50_us"`
	P99          float64 `json:"p99_us"`
	P999         float64 `json:"p999_us"`
	Max          float64 `json:"max_us"`
	// CPUSeconds is the user and system time of the process in the window, for the
	// three replicas and the clients together.
	CPUSeconds float64 `json:"cpu_seconds"`
	// Syncs is the number of log syncs of all replicas in the window, zero if the
	// system cannot tell.
	Syncs uint64 `json:"syncs,omitempty"`
	// Retries is the number of proposals in the window that were turned away and
	// tried again.
	Retries     uint64  `json:"retries,omitempty"`
	AllocsPerOp float64 `json:"allocs_per_op"`
	GCCycles    uint64  `json:"gc_cycles"`
	MaxRSSMiB   float64 `json:"max_rss_mib"`
	Errors      uint64  `json:"errors"`
	FirstError  string  `json:"first_error,omitempty"`
	// StatesEqual says that at the end the three replicas had the same state and
	// that it had exactly the acknowledged commands in it.
	StatesEqual bool   `json:"states_equal"`
	Version     string `json:"version"`
	// Invalid says why the cell does not count; it is empty if it does.
	Invalid string `json:"invalid,omitempty"`
}

// judge fills Invalid.
func (r *Result) judge() {
	switch {
	case r.Errors > 0:
		r.Invalid = "errors: " + r.FirstError
	case !r.StatesEqual:
		r.Invalid = "the replicas disagree, or not exactly the acknowledged commands were applied"
	case r.Ops == 0:
		r.Invalid = "no operation was completed"
	}
}
