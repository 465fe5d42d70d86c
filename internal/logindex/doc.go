// SPDX-License-Identifier: Apache-2.0

// Package logindex knows which term wrote which range of the log. That, and no
// payload, is what the algorithm needs of a log: it lets the core decide about
// entries without reading storage.
//
// A Log is a sorted list of runs of entries of one term, so it is small (as long as
// the number of terms in the log) and every question is a binary search. The package
// is pure; a Log belongs to one goroutine.
package logindex
