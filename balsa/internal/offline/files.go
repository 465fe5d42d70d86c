// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	folderMode = 0o755
	fileMode   = 0o600
)

// writeFile makes a file, durable but for its name.
func writeFile(path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("offline: write %s: %w", path, err)
	}
	return nil
}

// copyFolder copies a folder, durably but for its own name. Links and the like are not copied.
func copyFolder(to, from string) error {
	if err := os.Mkdir(to, folderMode); err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	for _, entry := range entries {
		target, source := filepath.Join(to, entry.Name()), filepath.Join(from, entry.Name())
		switch {
		case entry.IsDir():
			err = copyFolder(target, source)
		case entry.Type().IsRegular():
			err = copyFile(target, source)
		}
		if err != nil {
			return err
		}
	}
	return syncFolder(to)
}

func copyFile(to, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	return errors.Join(writeFile(to, file), file.Close())
}

// syncFolder makes durable which names a folder has.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // Names are durable there without, as far as they can be made so.
	}
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("offline: sync folder %s: %w", path, err)
	}
	return nil
}

func isThere(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
