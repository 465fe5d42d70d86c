// SPDX-License-Identifier: Apache-2.0

// Package drive lets a simulator take the place of a node's goroutines and of its
// clock: it calls the very same step functions that the goroutines call in
// production, one at a time and in the order it likes, so that one seed determines
// everything that happens.
package drive
