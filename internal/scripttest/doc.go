// SPDX-License-Identifier: Apache-2.0

// Package scripttest runs transcripts: text files with commands and what came of them,
// which people read and programs check.
//
//	# Lines like this are for people.
//
//	> propose 1 two
//	WriteLog t2/i3 t2/i4
//	AcceptProposals 3
//
// A line that begins with "> " is a command. What follows it, up to an empty line, a
// comment or the next command, is its output. The package is for tests only.
package scripttest
