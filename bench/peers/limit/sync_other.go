// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "os"

// syncData makes the file's data durable.
func syncData(file *os.File) error { return file.Sync() }
