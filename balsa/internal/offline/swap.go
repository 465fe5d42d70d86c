// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// swap puts the new folder in place of the old one. In between there is none of that name, for a moment;
// who is interrupted then goes on with resume.
func (r *recovery) swap() error {
	if runtime.GOOS == "windows" { // A folder with open files cannot be renamed there.
		if err := r.close(); err != nil {
			return err
		}
	}
	if err := r.step("set the old folder aside"); err != nil {
		return err
	}
	taken, err := isThere(r.report.KeptAs)
	if err != nil {
		return fmt.Errorf("offline: recover: look for %s: %w", r.report.KeptAs, err)
	}
	if taken {
		return fmt.Errorf("offline: recover: %s is there already: do it again in a second", r.report.KeptAs)
	}
	if err := os.Rename(r.Dir, r.report.KeptAs); err != nil {
		return fmt.Errorf("offline: recover: set the old folder aside: %w; if it is where a disk is mounted, copy it to a folder below, and recover that", err)
	}
	return r.putInPlace()
}

func (r *recovery) putInPlace() error {
	above := filepath.Dir(r.Dir)
	if err := syncFolder(above); err != nil {
		return err
	}
	if err := r.step("put the new folder in its place"); err != nil {
		return err
	}
	if err := os.Rename(r.unfinished, r.Dir); err != nil {
		return fmt.Errorf("offline: recover: put the new folder in its place: %w", err)
	}
	if err := r.step("sync the names"); err != nil {
		return err
	}
	r.report.Done = true
	return syncFolder(above)
}

// resume brings an interrupted recovery to its end.
func (r *recovery) resume(report Report) (Report, error) {
	r.report = report
	err := r.putInPlace()
	return r.report, err
}
