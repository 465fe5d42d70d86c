// SPDX-License-Identifier: Apache-2.0

// Package lint holds the rules about this repository's own code that no other tool
// knows: the purity of the core, which package may import which, sizes, doc comments
// and what must not be written at all. Its test applies them to every module of the
// workspace; bench and tools are left out.
//
// A rule is a function from source files to findings. It looks at syntax only, so
// it works on code that does not compile yet and on packages that do not exist yet.
// Nothing outside this package's tests uses it.
package lint
