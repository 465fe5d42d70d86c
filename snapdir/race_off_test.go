// SPDX-License-Identifier: Apache-2.0

//go:build !race

package snapdir

const thinning = 1
