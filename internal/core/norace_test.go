// SPDX-License-Identifier: Apache-2.0

//go:build !race

package core

// slowdown is by how much less there is to try; see race_test.go.
const slowdown = 1
