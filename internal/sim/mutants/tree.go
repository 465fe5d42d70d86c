// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// moduleRoot returns the nearest folder upwards of the current one that has a go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if exists(filepath.Join(folder, "go.mod")) {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("find the module: there is no go.mod in this folder or above")
		}
		folder = parent
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// copyTree copies what the tests of a module need: its Go files, testdata, go.mod and
// go.sum. Modules within it and hidden folders are left out.
func copyTree(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			isOther := relative != "." && (strings.HasPrefix(d.Name(), ".") || exists(filepath.Join(path, "go.mod")))
			if isOther {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !isNeeded(filepath.ToSlash(relative)) {
			return nil
		}
		return copyFile(path, filepath.Join(to, relative))
	})
	if err != nil {
		return fmt.Errorf("copy the module: %w", err)
	}
	return nil
}

// isNeeded looks at a path within the module.
func isNeeded(path string) bool {
	return strings.HasSuffix(path, ".go") || path == "go.mod" || path == "go.sum" ||
		strings.HasPrefix(path, "testdata/") || strings.Contains(path, "/testdata/")
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// infect makes the mutant's edits in a tree. It returns what undoes them, which is to
// be called even after an error.
func infect(tree string, m *mutant) (cure func() error, err error) {
	originals := map[string][]byte{}
	cure = func() error {
		var problems []error
		for path, content := range originals {
			problems = append(problems, os.WriteFile(path, content, 0o600))
		}
		return errors.Join(problems...)
	}
	for i := range m.edits {
		e := &m.edits[i]
		path := filepath.Join(tree, filepath.FromSlash(e.file))
		content, err := os.ReadFile(path)
		if err != nil {
			return cure, err
		}
		if _, known := originals[path]; !known {
			originals[path] = content
		}
		changed, err := e.apply(string(content))
		if err != nil {
			return cure, err
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			return cure, err
		}
	}
	return cure, nil
}
