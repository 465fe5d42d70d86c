// SPDX-License-Identifier: Apache-2.0

package load

// Replicas is the number of replicas of every system.
const Replicas = 3

// System is a running cluster of three durable replicas in this process.
type System interface {
	// Propose returns the state machine's result for the command, when the command
	// is applied on the leader. Any number of clients call it at once.
	Propose(command []byte) (uint64, error)
	// Stats returns what the system counts about itself since it was opened.
	Stats() Stats
	// Close stops the cluster. No Propose runs any more.
	Close() error
}

// Stats is what some systems can tell about themselves; zero means unknown.
type Stats struct {
	// Syncs is the number of log syncs of all replicas together.
	Syncs uint64
	// Retries is the number of proposals that were turned away and tried again.
	Retries uint64
}

// Peer is one system under comparison.
type Peer struct {
	// Name is how the system is called in the tables.
	Name string
	// Modules are the paths of the modules whose versions the result names.
	Modules []string
	// KeepsCommands says that the system refers to a command after Propose has
	// returned, so that every command needs memory of its own.
	KeepsCommands bool
	// Open starts three replicas that keep their logs in dir, which is empty and
	// theirs, and drive the three state machines. It returns when a leader is
	// ready to take commands.
	Open func(dir string, machines [Replicas]*Counter) (System, error)
}
