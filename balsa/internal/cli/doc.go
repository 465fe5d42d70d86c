// SPDX-License-Identifier: Apache-2.0

// Package cli is balsa's command line: one file for each command.
package cli
