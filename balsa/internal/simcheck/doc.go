// SPDX-License-Identifier: Apache-2.0

// Package simcheck looks at what the clients of simulated clusters saw, as somebody who
// knows nothing of Raft would: is there an order of all commands that explains it
// (linearizability)? The simulator itself checks histories against the order of the log;
// this is the second opinion, by porcupine, which no error of the simulator's checks can
// mislead.
package simcheck
