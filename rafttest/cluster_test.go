// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/rafttest"
)

const electionTimeout = time.Second // the default

// verify checks everything, when the clients have ended. It returns what was applied.
func verify(c *rafttest.Cluster) []string {
	commands := c.AwaitEqual()
	c.CheckStores(commands)
	c.CheckOutcomes()
	c.CheckAtRest()
	return commands
}

func TestClusterSizes(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			rafttest.Run(t, rafttest.Options{Nodes: n}, func(t *testing.T, c *rafttest.Cluster) {
				var want []string
				for _, id := range c.IDs() {
					commands := rafttest.Numbered(fmt.Sprint("on-", id), 50)
					c.MustProposeAll(id, commands)
					want = append(want, commands...)
				}
				if got := verify(c); !slices.Equal(got, want) {
					t.Errorf("applied %v", got)
				}
			})
		})
	}
}

func TestFullRestart(t *testing.T) {
	ends := map[string]func(c *rafttest.Cluster){
		"in turn": func(c *rafttest.Cluster) {
			for _, id := range c.IDs() {
				c.Stop(id)
			}
		},
		"crash in turn": func(c *rafttest.Cluster) {
			for _, id := range c.IDs() {
				c.Crash(id)
			}
		},
		"power failure": func(c *rafttest.Cluster) { c.CrashAll() },
	}
	for name, end := range ends {
		for _, n := range restartSizes {
			t.Run(fmt.Sprint(name, " of ", n), func(t *testing.T) {
				rafttest.Run(t, rafttest.Options{Nodes: n}, func(t *testing.T, c *rafttest.Cluster) {
					load := c.StartLoad(rafttest.LoadOptions{})
					for range 3 {
						c.Sleep(2 * electionTimeout)
						end(c)
						for _, id := range c.IDs() {
							c.Start(id)
						}
						c.Leader()
					}
					load.Stop()
					c.MustPropose(1, "last")
					if got := verify(c); len(got) < 20 {
						t.Errorf("hardly anything was applied: %v", got)
					}
				})
			})
		}
	}
}

func TestRollingRestartUnderLoad(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash ", crash), func(t *testing.T) {
			rafttest.Run(t, rafttest.Options{Nodes: 3}, func(t *testing.T, c *rafttest.Cluster) {
				c.Network().SetDelay(0, 5*time.Millisecond)
				load := c.StartLoad(rafttest.LoadOptions{Clients: 5, PauseMax: 20 * time.Millisecond})
				for range restartRounds {
					for _, id := range c.IDs() {
						c.Sleep(electionTimeout)
						if crash {
							c.Crash(id)
						} else {
							c.Stop(id)
						}
						c.Leader()
						c.Sleep(electionTimeout)
						c.Start(id)
						c.Await("the member to catch up", func() bool {
							s, leader := c.Group(id).Status(), c.FollowedLeader()
							return leader != 0 && s.AppliedIndex+50 >= c.Group(leader).Status().AppliedIndex
						})
					}
				}
				load.Stop()
				verify(c)
				lost := 0
				for _, o := range c.Outcomes() {
					if o.Err != nil {
						lost++
					}
				}
				if all := len(c.Outcomes()); lost > all/10 {
					t.Errorf("%d of %d commands failed", lost, all)
				}
			})
		})
	}
}

func TestMinorityAndMajority(t *testing.T) {
	tests := []struct {
		nodes    int
		minority int // so many, the leader included if it is in
		leaderIn bool
	}{{3, 1, true}, {3, 1, false}, {5, 1, true}, {5, 2, true}, {5, 2, false}, {2, 1, true}, {4, 2, true}}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			rafttest.Run(t, rafttest.Options{Nodes: test.nodes}, func(t *testing.T, c *rafttest.Cluster) {
				c.MustPropose(1, "before")
				c.AwaitEqual()
				minority, majority := split(c, test.minority, test.leaderIn)
				c.Partition(minority...)
				c.Sleep(electionTimeout)
				for _, id := range minority {
					if _, err := c.Propose(id, fmt.Sprint("minority ", id), 5*electionTimeout); err == nil {
						t.Errorf("member %d of the minority took a write", id)
					}
				}
				if len(majority) > test.nodes/2 {
					leader := c.Leader()
					if !slices.Contains(majority, leader) {
						t.Errorf("member %d leads, of the minority", leader)
					}
					for _, id := range majority {
						c.MustPropose(id, fmt.Sprint("majority ", id))
					}
				} else if leader := c.FollowedLeader(); leader != 0 {
					t.Errorf("member %d leads half of the members", leader)
				}
				c.Heal()
				c.MustPropose(c.Leader(), "after")
				verify(c)
			})
		})
	}
}

// split takes n members out, the leader among them or not.
func split(c *rafttest.Cluster, n int, withLeader bool) (part, rest []raft.NodeID) {
	leader := c.Leader()
	others := slices.DeleteFunc(c.IDs(), func(id raft.NodeID) bool { return id == leader })
	if withLeader {
		return append([]raft.NodeID{leader}, others[:n-1]...), others[n-1:]
	}
	return others[:n], append(others[n:], leader)
}

func TestMachinesAndSeams(t *testing.T) {
	rafttest.Run(t, rafttest.Options{
		StateMachine: func(raft.NodeID) raft.StateMachine { return newLedger() },
	}, func(t *testing.T, c *rafttest.Cluster) {
		follower := c.Follower()
		if result := c.MustPropose(follower, "a.1#1"); string(result.Value) != "new" {
			t.Errorf("the machine's value is %q", result.Value)
		}
		c.AwaitEqual()
		if c.StateMachine(follower).(*ledger).next["a"] != 1 {
			t.Error("the machine was not given the command")
		}
		if _, err := c.Propose(follower, "too large"+string(make([]byte, 1<<20)), time.Second); rafttest.Family(err) != "not applied" {
			t.Errorf("a command that is too large: %v", err)
		}
		c.Crash(follower)
		if _, err := c.Propose(follower, "x", time.Second); rafttest.Family(err) != "not applied" || c.Group(follower) != nil {
			t.Errorf("proposing on a member that is down: %v", err)
		}
	})
}

func TestUnformed(t *testing.T) {
	rafttest.Run(t, rafttest.Options{Nodes: 3, Unformed: true}, func(t *testing.T, c *rafttest.Cluster) {
		c.Sleep(10 * electionTimeout)
		if leader := c.FollowedLeader(); leader != 0 {
			t.Errorf("member %d leads a group that is not formed", leader)
		}
		if err := c.Group(2).Initialize(t.Context(), c.Members()...); err != nil {
			t.Fatal(err)
		}
		c.MustPropose(1, "x")
		c.AwaitEqual()
		c.Isolate(2)
		c.Sleep(5 * electionTimeout)
		if node := c.Node(2); node == nil || c.Leader() == 2 {
			t.Error("who is isolated leads, or is down")
		}
		c.Rejoin(2)
		c.Restart(2)
		verify(c)
	})
}

// TestACrashLosesWhatIsNotSaved crashes a member in the middle of a write: what its disk
// had not taken by then is not there, and what it had taken is.
func TestACrashLosesWhatIsNotSaved(t *testing.T) {
	rafttest.Run(t, rafttest.Options{Nodes: 1}, func(t *testing.T, c *rafttest.Cluster) {
		c.MustPropose(1, "saved")
		c.Log(1).SetSaveDelay(100 * time.Millisecond)
		go func() {
			if _, err := c.Propose(1, "not saved", time.Second); rafttest.Family(err) != "unknown" {
				t.Errorf("the command on the crashed member ended with %v", err)
			}
		}()
		c.Sleep(50 * time.Millisecond)
		c.Crash(1)
		c.Sleep(5 * time.Second)
		c.Start(1)
		c.Leader()
		if got := verify(c); !slices.Equal(got, []string{"saved"}) {
			t.Errorf("after the crash there is %v", got)
		}
	})
}
