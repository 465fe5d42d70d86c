// SPDX-License-Identifier: Apache-2.0

// Command bench puts the same load on this library and on its peers, and prints how
// many writes a second each of them does.
//
//	cd bench && go run . -systems all -clients 1,256,1024 -payload 128 -seconds 5
//
// It builds one program for each system (folder peers), because their dependencies
// exclude each other and their heaps must not mix, and runs one process for each
// cell: three durable replicas, connected over loopback TCP, with closed-loop
// clients in the process of the leader. README.md says what is measured and how
// each system is set up.
package main
