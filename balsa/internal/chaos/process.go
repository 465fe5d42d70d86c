// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is one node in a process of its own, which can be started again and again.
// Its methods are called by one goroutine.
type Process struct {
	// ID is the node's, from 1 on.
	ID int
	// Client and Admin are its addresses.
	Client, Admin string
	// Dir is the folder of its data, Log the file of what it says.
	Dir, Log string

	args    []string
	command *exec.Cmd  // nil while it does not run
	ended   chan error // gets one value when command ends
	paused  bool
}

// Running reports whether the process was started and not stopped since.
func (p *Process) Running() bool { return p.command != nil }

// Awake reports whether the process runs and is not paused.
func (p *Process) Awake() bool { return p.Running() && !p.paused }

// Start starts the process. It does not wait until the node serves.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("chaos: start node %d: %w", p.ID, err)
	}
	defer log.Close() // The process has a copy.
	fmt.Fprintf(log, "-- start at %s\n", time.Now().Format(time.StampMilli))
	command := exec.Command(p.args[0], p.args[1:]...)
	command.Stdout, command.Stderr, command.SysProcAttr = log, log, attributes()
	if err := command.Start(); err != nil {
		return fmt.Errorf("chaos: start node %d: %w", p.ID, err)
	}
	p.command, p.paused, p.ended = command, false, make(chan error, 1)
	go func() { p.ended <- command.Wait() }() // It ends with the process, for which Kill waits.
	return nil
}

// Died returns an error if the process has ended by itself, which it must not.
func (p *Process) Died() error {
	if !p.Running() {
		return nil
	}
	select {
	case err := <-p.ended:
		p.command = nil
		return fmt.Errorf("chaos: node %d has ended by itself (%v); see %s", p.ID, err, p.Log)
	default:
		return nil
	}
}

// Kill ends the process as kill -9 does. The error says that it had ended before.
func (p *Process) Kill() error {
	if err := p.Died(); err != nil || !p.Running() {
		return err
	}
	if err := p.command.Process.Kill(); err != nil {
		return fmt.Errorf("chaos: kill node %d: %w", p.ID, err)
	}
	<-p.ended // That it was killed is no news.
	p.command = nil
	return nil
}

// Pause stops the process where it is, until Resume.
func (p *Process) Pause() error {
	if !p.Awake() {
		return nil
	}
	p.paused = true
	if err := pause(p.command.Process); err != nil {
		return fmt.Errorf("chaos: pause node %d: %w", p.ID, err)
	}
	return nil
}

// Resume lets a process that was paused go on.
func (p *Process) Resume() error {
	if !p.Running() || !p.paused {
		return nil
	}
	p.paused = false
	if err := resume(p.command.Process); err != nil {
		return fmt.Errorf("chaos: resume node %d: %w", p.ID, err)
	}
	return nil
}

// Terminate asks the process to end, and waits until it has, with status 0.
func (p *Process) Terminate(timeout time.Duration) error {
	if err := p.Died(); err != nil || !p.Running() {
		return err
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("chaos: terminate node %d: %w", p.ID, err)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		p.command = nil
		if err != nil {
			return fmt.Errorf("chaos: node %d ended with %w when it was asked to; see %s", p.ID, err, p.Log)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("chaos: node %d did not end within %v when it was asked to; see %s", p.ID, timeout, p.Log)
	}
}
