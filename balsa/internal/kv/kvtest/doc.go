// SPDX-License-Identifier: Apache-2.0

// Package kvtest draws commands for the tests of balsa's engines.
package kvtest
