// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const checkTimeout = 10 * time.Second

// at makes an operation of an own client, from one time to another.
func at(call, end int64, kind Kind, argument string, outcome Outcome, result string) Operation {
	return Operation{
		Client: int(call), Key: "k", Kind: kind, Argument: argument,
		Call: call, Return: end, Outcome: outcome, Result: result,
	}
}

// planted are small histories and whether there is an order that explains them.
var planted = []struct {
	name       string
	ok         bool
	operations []Operation
}{
	{"a write is read", true, []Operation{
		at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Get, "", Applied, "a")}},
	{"nothing is read where nothing was written", true, []Operation{at(1, 2, Get, "", Applied, "")}},
	{"a stale read", false, []Operation{
		at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Set, "b", Applied, "OK"), at(5, 6, Get, "", Applied, "a")}},
	{"a read that goes back", false, []Operation{
		at(1, 2, Set, "a", Applied, "OK"), at(3, 9, Set, "b", Applied, "OK"),
		at(4, 5, Get, "", Applied, "b"), at(6, 7, Get, "", Applied, "a")}},
	{"an acknowledged write is lost", false, []Operation{
		at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Get, "", Applied, "")}},
	{"an acknowledged append is lost", false, []Operation{
		at(1, 2, Append, "a;", Applied, "2"), at(3, 4, Append, "b;", Applied, "4"), at(5, 6, Get, "", Applied, "b;")}},
	{"a value that nobody wrote", false, []Operation{at(1, 2, Get, "", Applied, "x")}},
	{"an increment is applied twice", false, []Operation{
		at(1, 2, Increment, "", Applied, "1"), at(3, 4, Get, "", Applied, "2")}},
	{"an increment of unknown outcome is applied twice", false, []Operation{
		at(1, 2, Increment, "", Unknown, ""), at(3, 4, Get, "", Applied, "2")}},
	{"two increments return the same", false, []Operation{
		at(1, 5, Increment, "", Applied, "1"), at(2, 4, Increment, "", Applied, "1")}},
	{"an append is applied twice", false, []Operation{
		at(1, 2, Append, "a;", Applied, "2"), at(3, 4, Get, "", Applied, "a;a;")}},
	{"a refused write is seen", false, []Operation{
		at(1, 2, Set, "a", Refused, ""), at(3, 4, Get, "", Applied, "a")}},
	{"a refused write is not seen", true, []Operation{
		at(1, 2, Set, "a", Refused, ""), at(3, 4, Get, "", Applied, "")}},
	{"a swap returns what is gone", false, []Operation{
		at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Set, "b", Applied, "OK"), at(5, 6, Swap, "c", Applied, "a")}},
	{"concurrent writes in either order", true, []Operation{
		at(1, 9, Set, "a", Applied, "OK"), at(2, 8, Set, "b", Applied, "OK"),
		at(10, 11, Get, "", Applied, "a"), at(12, 13, Get, "", Applied, "a")}},
	{"unknown and applied at once", true, []Operation{
		at(1, 2, Set, "a", Unknown, ""), at(3, 4, Get, "", Applied, "a")}},
	{"unknown and applied later", true, []Operation{
		at(1, 2, Set, "a", Unknown, ""), at(3, 4, Get, "", Applied, ""), at(5, 6, Get, "", Applied, "a")}},
	{"unknown and never applied", true, []Operation{
		at(1, 2, Set, "a", Unknown, ""), at(3, 4, Get, "", Applied, ""), at(5, 6, Set, "b", Applied, "OK"),
		at(7, 8, Get, "", Applied, "b")}},
	{"unknown and applied over a later write", true, []Operation{
		at(1, 2, Set, "a", Unknown, ""), at(3, 4, Set, "b", Applied, "OK"), at(5, 6, Get, "", Applied, "a")}},
	{"unknown, applied, and then not", false, []Operation{
		at(1, 2, Set, "a", Unknown, ""), at(3, 4, Get, "", Applied, "a"), at(5, 6, Get, "", Applied, "")}},
	{"unknown and applied before its call", false, []Operation{
		at(1, 2, Get, "", Applied, "a"), at(3, 4, Set, "a", Unknown, "")}},
	{"a read without answer", true, []Operation{at(1, 2, Get, "", Unknown, "lost")}},
}

func TestChaosCheckerSeesPlantedViolations(t *testing.T) {
	for _, test := range planted {
		t.Run(test.name, func(t *testing.T) {
			err := CheckLinearizable(test.operations, checkTimeout, "")
			if test.ok && err != nil || !test.ok && !errors.Is(err, ErrNotLinearizable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestChaosCheckerKeepsKeysApart(t *testing.T) {
	a, b := at(1, 2, Set, "a", Applied, "OK"), at(3, 4, Get, "", Applied, "")
	b.Key = "other"
	bad := at(5, 6, Get, "", Applied, "x")
	bad.Key = "bad"
	if err := CheckLinearizable([]Operation{a, b}, checkTimeout, ""); err != nil {
		t.Errorf("got %v", err)
	}
	folder := t.TempDir()
	err := CheckLinearizable([]Operation{a, b, bad}, checkTimeout, folder)
	if !errors.Is(err, ErrNotLinearizable) || err.Error() != ErrNotLinearizable.Error()+": bad, with 1 operations" {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "key-bad.html")); err != nil {
		t.Errorf("no picture: %v", err)
	}
}

// generate makes the history of a server that is right, with as many clients on one
// key as a Load has, one tenth of whose operations are not answered.
func generate(rng *rand.Rand, count int) []Operation {
	var all []Operation
	value, clock := "", int64(0)
	for i := range count {
		clock += 10
		o := Operation{Client: i % groupClients, Key: "k", Kind: Append, Argument: strconv.Itoa(i) + ";", Outcome: Applied}
		if rng.IntN(2) == 0 {
			o.Kind, o.Argument = Get, ""
		}
		o.Call, o.Return = clock-rng.Int64N(40), clock+rng.Int64N(40) // The effect is at clock.
		happens := true
		if o.IsWrite() && rng.IntN(10) == 0 {
			o.Outcome, happens = Unknown, rng.IntN(2) == 0
		}
		if happens {
			value, o.Result = step(value, &o)
		}
		all = append(all, o)
	}
	return all
}

// TestChaosCheckerDecides checks histories of the size that a Load makes for a key: they
// are decided long before the time is over, whether they are good or bad.
func TestChaosCheckerDecides(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			operations := generate(rng, keyOperationsMax)
			if err := CheckLinearizable(operations, checkTimeout, ""); err != nil {
				t.Errorf("a good history: %v", err)
			}
			for i := range operations {
				if o := &operations[len(operations)-1-i]; o.Kind == Get && len(o.Result) > 4 {
					o.Result = o.Result[:4]
					break
				}
			}
			if err := CheckLinearizable(operations, checkTimeout, ""); !errors.Is(err, ErrNotLinearizable) {
				t.Errorf("a history with a phantom read: %v", err)
			}
		})
	}
}

func TestChaosCheckerThatIsTooSlowFails(t *testing.T) {
	operations := generate(rand.New(rand.NewPCG(1, 1)), 4000)
	for i := range operations {
		operations[i].Call, operations[i].Return = 1, 2 // All at once: there are too many orders.
	}
	if err := CheckLinearizable(operations, time.Millisecond, ""); !errors.Is(err, ErrUndecided) {
		t.Errorf("got %v", err)
	}
}
