// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// confirm asks whether something is meant that cannot be taken back easily.
func (f *adminFlags) confirm(cmd *cobra.Command, question string) error {
	if f.yes {
		return nil
	}
	if file, ok := cmd.InOrStdin().(*os.File); ok {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			return errors.New("this command asks, and there is no terminal to ask on: give --yes if it is meant")
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	answered := make(chan string, 1)
	go func() { // A read of a terminal cannot be called off. The process ends soon after who does not wait for it.
		answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n') // Nothing is no.
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answered:
		if answer != "y" && answer != "yes" {
			return errNothingDone
		}
		return nil
	case <-cmd.Context().Done():
		fmt.Fprintln(cmd.ErrOrStderr())
		return fmt.Errorf("%w: %w", errNothingDone, cmd.Context().Err())
	}
}

// errNothingDone means that whoever was asked did not say yes.
var errNothingDone = errors.New("nothing was done")
