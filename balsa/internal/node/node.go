// SPDX-License-Identifier: Apache-2.0

package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/server"
	"github.com/balsa-raft/raft/wal"
)

// Start begins to serve. It forms the cluster with the given members if that was not done yet,
// so all of its first nodes are to be started with the same members; what has become of them since is
// not compared. With no members the node waits until a cluster has made it a member. Start is
// called once; after an error the node is to be closed.
func (n *Node) Start(ctx context.Context, members []raft.Member) error {
	var err error
	n.raft, err = raft.Open(raft.Config{
		ID: n.cfg.ID, Log: n.log, Transport: newRouted(n.links, n.cfg.PeerAddresses), Logger: n.cfg.Logger,
		Snapshots: n.kept, SnapshotBytesPerSecond: n.cfg.SnapshotBytesPerSecond,
	})
	if err != nil {
		return err
	}
	n.group, err = n.raft.StartGroup(raft.GroupConfig{
		ID: groupID, StateMachine: n.machine,
		ElectionTimeout: n.cfg.ElectionTimeout, CommandBytesMax: kv.CommandBytesMax,
		Snapshots: n.cfg.Snapshots, StateVersion: kv.SnapshotVersion,
	})
	if err != nil {
		return err
	}
	if err := n.initialize(ctx, members); err != nil {
		return fmt.Errorf("node: form the cluster: %w", err)
	}
	n.serve()
	go n.watch()
	return nil
}

// initialize forms the cluster. It is nothing out of the way that it was formed long ago, with
// others.
func (n *Node) initialize(ctx context.Context, members []raft.Member) error {
	if len(members) == 0 {
		return nil
	}
	err := n.group.Initialize(ctx, members...)
	if errors.Is(err, raft.ErrInitialized) {
		n.cfg.Logger.Info("the cluster was formed with other members than the node was started with, which changes nothing", "node", n.cfg.ID)
		return nil
	}
	return err
}

func (n *Node) serve() {
	n.server = server.Start(n.clients, server.Config{
		Group: n.group, Keys: n.machine.Keys, Version: n.cfg.Version,
		RequestTimeout: n.cfg.RequestTimeout, ClientsMax: n.cfg.ClientsMax, Logger: n.cfg.Logger,
	})
	if n.admins != nil {
		n.admin = admin.Start(n.admins, admin.Config{
			Group: n.group, Status: n.Status, Keys: n.machine.Keys, Summarize: n.Summarize, Dump: n.machine.WriteDump,
			Reload: n.reload, Shutdown: n.requestShutdown, Token: n.cfg.AdminToken,
			Version: n.cfg.Version, Started: n.opened, Logger: n.cfg.Logger,
		})
	}
}

// watch waits for what keeps the node from serving any longer. It ends with the group.
func (n *Node) watch() {
	select {
	case <-n.machine.Halted():
		n.failed <- fmt.Errorf("node: state machine: %w", n.machine.Err())
	case <-n.group.Done():
		if err := n.group.Err(); err != nil {
			n.failed <- err
		}
	}
}

// Failed returns a channel that gets one error if the node cannot serve any longer:
// its disk failed, or it met a command of a newer version. It is to be closed then.
func (n *Node) Failed() <-chan error { return n.failed }

// ShutdownRequested returns a channel that is closed when the admin port was told to end the node.
// It is to be closed then.
func (n *Node) ShutdownRequested() <-chan struct{} { return n.shutdown }

func (n *Node) requestShutdown() { n.once.Do(func() { close(n.shutdown) }) }

// reload changes all of what is asked for, or nothing.
func (n *Node) reload(r admin.ReloadRequest) error {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	level := slog.LevelInfo
	if r.LogLevel != nil {
		if n.cfg.LogLevel == nil {
			return errors.New("the level of this node's log cannot be changed")
		}
		if err := level.UnmarshalText([]byte(*r.LogLevel)); err != nil {
			return fmt.Errorf("log_level: %w", err)
		}
	}
	before := n.group.Tunables()
	if err := n.group.Reload(tuned(before, &r)); err != nil {
		return err
	}
	if r.SnapshotRate != nil {
		rate := n.raft.Tunables()
		rate.SnapshotBytesPerSecond = *r.SnapshotRate
		if err := n.raft.Reload(rate); err != nil {
			return fmt.Errorf("snapshot_rate: %w", errors.Join(err, n.group.Reload(before)))
		}
	}
	if r.LogLevel != nil {
		n.cfg.LogLevel.Set(level)
	}
	return nil
}

// tuned returns the tunables with what is asked for. Where zero is none, raft takes it for the default, and what is
// negative for none.
func tuned(t raft.GroupTunables, r *admin.ReloadRequest) raft.GroupTunables {
	if r.TrailingEntries != nil {
		t.TrailingEntries = cmp.Or(*r.TrailingEntries, -1)
	}
	if r.TrailingBytes != nil {
		t.TrailingBytes = cmp.Or(*r.TrailingBytes, -1)
	}
	if r.RetainBytesMax != nil {
		t.RetainBytesMax = cmp.Or(*r.RetainBytesMax, -1)
	}
	if r.PendingBytesMax != nil {
		t.PendingBytesMax = cmp.Or(*r.PendingBytesMax, -1)
	}
	return t
}

// Status returns the member's view of the group, as of a moment ago.
func (n *Node) Status() raft.Status {
	status := n.group.Status()
	if status.Failure == nil {
		status.Failure = n.machine.Err()
	}
	return status
}

// Summarize identifies the state that the node has come to.
func (n *Node) Summarize() kv.Summary { return n.machine.Summarize() }

// Log returns the node's log, to be read.
func (n *Node) Log() *wal.Log { return n.log }

// Group returns the ID of the node's group.
func (n *Node) Group() raft.GroupID { return groupID }

// Close finishes the commands under way, hands leadership over if the node has it,
// and stops everything. It takes no longer than ctx allows, but for a call of the
// operating system that does not return.
func (n *Node) Close(ctx context.Context) error {
	var errs []error
	if n.server != nil {
		errs = append(errs, n.server.Close(ctx))
	}
	if n.admin != nil {
		errs = append(errs, n.admin.Close(ctx))
	}
	if n.raft != nil {
		errs = append(errs, n.raft.Close(ctx))
	}
	return errors.Join(append(errs, n.release())...)
}

// Kill stops the node as abruptly as can be within a process: no command is finished,
// no message is sent any more and leadership is not handed over. What was written to
// the log so far is what the node will find when it is started again.
func (n *Node) Kill() error {
	err := n.links.Close()
	if n.server != nil {
		n.server.Kill()
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if n.admin != nil {
		_ = n.admin.Close(now) // Requests are cut off.
	}
	if n.raft != nil {
		_ = n.raft.Close(now) // Stops without asking anyone to take over, and does not wait.
		waiting, cancel := context.WithTimeout(context.Background(), killTimeout)
		defer cancel()
		err = errors.Join(err, n.raft.Close(waiting))
	}
	return errors.Join(err, n.release())
}

// killTimeout bounds how long Kill waits for the last call of the disk to return.
const killTimeout = 10 * time.Second
