// SPDX-License-Identifier: Apache-2.0

// Package change knows the memberships that lie between one membership and another (§6,
// thesis §4.2, §4.3). A change goes from a membership in which its target is recorded,
// and those who are new learn, to a joint one, in which old and new voters decide
// together, to the target alone:
//
//	Begin      voters as they were, who is new learns, the target is recorded
//	Joint      when those who are to vote hold the log
//	Final      when the joint membership is committed
//
// Each follows from the one before and from nothing else, so that whoever leads next goes
// on where the last leader was. A change that leaves the voters as they are has one step.
//
// The package is pure, and its functions may be called from any goroutine. They return
// memberships that share nothing that is ever changed with those they are given.
package change
