// SPDX-License-Identifier: Apache-2.0

// Package offline works on the data folder of a node that does not run: it looks at it, verifies
// it, prints the keys in it, and makes a node serve again whose group has lost its quorum for
// good. docs/rescue.md is the guide.
//
// Folder (folder.go) is a node's folder, locked and only read; Inspect, Verify and WriteDump are
// made of that. Recover (recover.go) builds a new folder beside the old one (build.go), and puts
// it in its place when it is whole (swap.go), so that the old one is never changed.
package offline
