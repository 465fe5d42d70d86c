// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	// decideTimeout bounds the search for an order of the operations of one key.
	decideTimeout = 20 * time.Second
	// warmUp is how many operations must be answered before the faults begin.
	warmUp = 30
	// checker is the client that looks at everything in the end.
	checker = groups * groupClients
)

// Round is one cluster, from its first start to the judgement. All is required.
type Round struct {
	Options
	// Seed is what the plan and the load are drawn from.
	Seed  uint64
	Steps int
}

// Report is what a round was like.
type Report struct {
	Counts                   Counts
	Applied, Refused, Failed int
	Keys                     int
	Entries                  raft.Index
	// Recovery is the longest time that clients waited for progress, once nothing was
	// wrong any more, and Agreement how long it took until all nodes were equal.
	Recovery, Agreement, Judgement time.Duration
}

// String writes the report on one line.
func (r Report) String() string {
	c := &r.Counts
	return fmt.Sprintf("%d operations applied, %d refused, %d of unknown outcome, on %d keys, in %d entries; "+
		"%d kills, %d pauses, %d cuts, %d terminations, %d other faults; "+
		"progress within %v, agreement within %v, judged in %v",
		r.Applied, r.Refused, r.Failed, r.Keys, r.Entries,
		c.Kills, c.Pauses, c.Cuts, c.Terminations, c.Others, r.Recovery, r.Agreement, r.Judgement)
}

// Run runs the round. The error says what promise was not kept. The folder has all
// that is needed to find out why: what the nodes said and their data, history.jsonl and
// nemesis.log, and a picture of each key that is not linearizable.
func (r Round) Run() (report Report, err error) {
	log, err := os.Create(filepath.Join(r.Dir, "nemesis.log"))
	if err != nil {
		return report, fmt.Errorf("chaos: %w", err)
	}
	defer log.Close()
	cluster, err := StartCluster(r.Options)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	history := NewHistory()
	defer func() { err = errors.Join(err, r.save(history)) }()
	err = r.stress(cluster, history, log, &report)
	if err == nil {
		err = r.settle(cluster, history, &report)
	}
	return report, errors.Join(err, r.judge(cluster, history, &report, err == nil))
}

// stress lets the nemesis loose on the cluster while clients use it.
func (r Round) stress(cluster *Cluster, history *History, log io.Writer, report *Report) error {
	var clients []string
	for _, p := range cluster.Processes {
		clients = append(clients, p.Client)
	}
	load := StartLoad(history, clients, r.Seed)
	n := &nemesis{cluster: cluster, history: history, log: log}
	err := until(RecoveryTimeout, "the first operations are answered", func() bool { return history.Count(Applied) >= warmUp })
	if err == nil {
		err = n.run(NewPlan(r.Seed, r.Steps, r.ElectionTimeout))
	}
	err = errors.Join(err, load.Stop())
	report.Counts, report.Recovery = n.tally(), n.recovery
	report.Applied, report.Refused, report.Failed = history.Count(Applied), history.Count(Refused), history.Count(Unknown)
	return err
}

// settle heals everything. It demands that all nodes then become equal without a new
// write, and that all of them serve.
func (r Round) settle(cluster *Cluster, history *History, report *Report) error {
	if err := cluster.Heal(); err != nil {
		return err
	}
	begun := time.Now()
	if err := cluster.AwaitEqual(); err != nil {
		return err
	}
	report.Agreement = time.Since(begun)
	if err := useAll(cluster, history); err != nil {
		return err
	}
	return cluster.AwaitEqual()
}

// judge checks that everything agrees with what the clients saw. If the nodes have not
// settled, their logs and states cannot be compared, but the history can be judged.
func (r Round) judge(cluster *Cluster, history *History, report *Report, settled bool) (err error) {
	begun := time.Now()
	if settled {
		err = checkNodes(cluster, history, report)
	}
	err = errors.Join(err, CheckLinearizable(history.Operations(), decideTimeout, r.Dir), checkLogs(cluster))
	report.Judgement = time.Since(begun)
	return err
}

// useAll writes something new on each node, and reads each key on one of them.
func useAll(cluster *Cluster, history *History) error {
	keys := keysOf(history.Operations())
	for i, p := range cluster.Processes {
		fresh := Operation{Client: checker, Node: p.ID, Key: fmt.Sprint("fresh-", p.ID), Kind: Append, Argument: "fresh"}
		if err := insist(p, history, fresh); err != nil {
			return err
		}
		for k := i; k < len(keys); k += len(cluster.Processes) {
			if err := insist(p, history, Operation{Client: checker, Node: p.ID, Key: keys[k], Kind: Get}); err != nil {
				return err
			}
		}
	}
	return nil
}

// insist carries out an operation, again and again while it is refused. A write that
// must not be repeated, because nothing is known about it, is an error.
func insist(p *Process, history *History, o Operation) error {
	var problem error
	attempts := 0
	err := until(RecoveryTimeout, fmt.Sprintf("node %d answers %s %s", p.ID, o.Kind, o.Key), func() bool {
		again := o
		if attempts++; o.Argument != "" {
			again.Argument = fmt.Sprintf("%s-%d;", o.Argument, attempts) // Each is a write of its own.
		}
		problem = once(p, history, &again)
		return problem != nil || again.Outcome == Applied
	})
	return errors.Join(problem, err)
}

func once(p *Process, history *History, o *Operation) error {
	conn, err := client.Dial(p.Client, RecoveryTimeout)
	if err != nil {
		return fmt.Errorf("chaos: node %d: %w", p.ID, err)
	}
	defer conn.Close()
	o.Call = history.Now()
	reply, err := conn.Do(commandOf(o)...)
	o.Return = history.Now()
	if err != nil {
		o.Outcome, o.Result = Unknown, err.Error()
	} else {
		err = classify(o, reply)
	}
	history.Add(*o)
	if err == nil && o.Outcome == Unknown && o.IsWrite() {
		err = errors.New("chaos: outcome unknown though nothing is wrong")
	}
	if err != nil {
		return fmt.Errorf("%w: %v", err, o)
	}
	return nil
}

// checkNodes ends the processes, some gently and some not, and compares their states,
// their logs and the history with each other.
func checkNodes(cluster *Cluster, history *History, report *Report) error {
	last, ok := cluster.Applied()
	states, err := cluster.States()
	if !ok || err != nil {
		return errors.Join(err, errors.New("chaos: the nodes were equal and are not any more"))
	}
	report.Entries, report.Keys = last, states[0].Keys
	for i, p := range cluster.Processes {
		if states[i] != states[0] {
			err = errors.Join(err, fmt.Errorf("%w: of node %d: %+v, of node 1: %+v", ErrWrongState, p.ID, states[i], states[0]))
		}
		if i%2 == 0 {
			err = errors.Join(err, p.Kill())
		} else {
			err = errors.Join(err, p.Terminate(terminateTimeout))
		}
	}
	logs, readErr := cluster.ReadLogs(last)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	for i := range logs {
		err = errors.Join(err, CompareLogs(logs[0], logs[i]))
	}
	return errors.Join(err, checkWitness(logs[0], states[0], history))
}

// checkWitness compares one log with the state that the nodes had, and with the history.
func checkWitness(entries []raft.Entry, state State, history *History) error {
	machine, err := Replay(entries)
	if err != nil {
		return err
	}
	if s := machine.Summarize(); s.Hash != state.Hash || s.Applied != state.AppliedIndex || s.Keys != state.Keys {
		err = fmt.Errorf("%w: %+v, replayed: %+v", ErrWrongState, state, s)
	}
	witness, witnessErr := NewWitness(entries)
	if witnessErr != nil {
		return errors.Join(err, witnessErr)
	}
	return errors.Join(err, witness.CheckState(machine.Dump()), witness.Check(history.Operations()))
}

// alarms are what a node must never say, and excused is the one error among them that
// a pause causes, and a disk that is busy.
var alarms, excused = []string{"panic", "fatal error", "DATA RACE", "level=ERROR"}, "a write to the log store does not end"

// checkLogs looks for what a node must never say.
func checkLogs(cluster *Cluster) error {
	var errs []error
	for _, p := range cluster.Processes {
		text, err := os.ReadFile(p.Log)
		errs = append(errs, err)
		for line := range strings.Lines(string(text)) {
			isAlarm := func(word string) bool { return strings.Contains(line, word) }
			if slices.ContainsFunc(alarms, isAlarm) && !strings.Contains(line, excused) {
				errs = append(errs, fmt.Errorf("chaos: node %d said: %s", p.ID, strings.TrimSuffix(line, "\n")))
			}
		}
	}
	return errors.Join(errs...)
}

// save writes the history to the folder.
func (r Round) save(history *History) error {
	file, err := os.Create(filepath.Join(r.Dir, "history.jsonl"))
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	_, err = history.WriteTo(file)
	return errors.Join(err, file.Close())
}
