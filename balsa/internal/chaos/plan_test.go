// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestChaosPlanFollowsFromItsSeed(t *testing.T) {
	plan := NewPlan(7, 2*DeckSize(), time.Second)
	if !reflect.DeepEqual(plan, NewPlan(7, 2*DeckSize(), time.Second)) {
		t.Error("the same seed gave another plan")
	}
	if reflect.DeepEqual(plan, NewPlan(8, 2*DeckSize(), time.Second)) {
		t.Error("another seed gave the same plan")
	}
	for half := range 2 {
		seen := make(map[Action]bool)
		for _, s := range plan[half*DeckSize():][:DeckSize()] {
			seen[s.Action] = true
			if s.After < 0 || s.After > time.Second || s.For < 0 || s.For > 3*time.Second {
				t.Errorf("out of bounds: %v after %v", s, s.After)
			}
		}
		for _, action := range deck {
			if !seen[action] {
				t.Errorf("no %s in deck %d", action, half)
			}
		}
	}
}

func TestChaosDirections(t *testing.T) {
	three, five := []int{2, 1, 3}, []int{5, 1, 2, 3, 4}
	tests := []struct {
		action Action
		nodes  []int
		want   string
	}{
		{CutNode, three, "[2>1 2>3 1>2 3>2]"},
		{CutFrom, three, "[2>1 2>3]"},
		{CutTo, three, "[1>2 3>2]"},
		{CutOne, three, "[2>1]"},
		{CutPair, three, "[2>1 1>2]"},
		{CutBridge, three, "[1>3 3>1]"},
		{CutRing, three, "[2>3 3>2]"},
		{CutBridge, five, "[1>3 1>4 2>3 2>4 3>1 3>2 4>1 4>2]"},
		{CutRing, five, "[5>2 5>3 1>3 1>4 2>5 2>4 3>5 3>1 4>1 4>2]"},
	}
	for _, test := range tests {
		got := fmt.Sprint(directions(test.action, test.nodes, rand.New(rand.NewPCG(1, 1))))
		if got != test.want {
			t.Errorf("%s of %v: got %s, want %s", test.action, test.nodes, got, test.want)
		}
	}
	for seed := range uint64(20) {
		cut := directions(CutHalves, five, rand.New(rand.NewPCG(seed, 1)))
		if len(cut) != 8 && len(cut) != 12 {
			t.Errorf("cut in two: %v", cut)
		}
	}
}
