// SPDX-License-Identifier: Apache-2.0

// Package command knows the Redis commands that balsa serves: their names, how many
// arguments they take, and how those that work on keys become commands of the
// replicated state machine.
//
// Whatever can be found wrong without looking at the state is found here, before
// anything is proposed, and said in Redis's own words where it has any.
package command
