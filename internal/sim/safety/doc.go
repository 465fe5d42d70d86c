// SPDX-License-Identifier: Apache-2.0

// Package safety watches a simulated cluster from outside and says when it breaks a
// promise of Raft. It is given what can be seen: what every disk holds, which messages
// leave, what members say of themselves, what state machines apply and what clients
// are told. Each invariant has a file, which cites its number in the catalogue of
// invariants (I1 to I28), and a small type that can be used without the others; Checker
// puts them together.
//
// Nothing here looks into the implementation, and nothing is checked by reading the
// disks again: all checks are of constant cost in the length of the log, so that they
// can run after every step.
package safety
