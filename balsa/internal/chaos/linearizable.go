// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

var (
	// ErrNotLinearizable means that no order of the operations explains what the
	// clients saw.
	ErrNotLinearizable = errors.New("chaos: not linearizable")
	// ErrUndecided means that it took too long to find out. It is no better.
	ErrUndecided = errors.New("chaos: linearizability was not decided in time")
)

// failedKeysMax bounds how many keys are reported.
const failedKeysMax = 5

var hashSeed = maphash.MakeSeed()

// model is the specification as porcupine takes it, for the operations of one key.
var model = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		o := input.(*Operation)
		next, result := step(state.(string), o)
		return o.Outcome != Applied || result == o.Result, next
	},
	Hash:              func(state any) uint64 { return maphash.String(hashSeed, state.(string)) },
	DescribeOperation: func(input, _ any) string { return input.(*Operation).String() },
	DescribeState:     func(state any) string { return state.(string) },
}

// CheckLinearizable looks, for each key, for an order of the operations that agrees
// with real time and with all results. An operation whose outcome is unknown may have
// taken effect at any time after its call, or not at all; one that was refused took
// none. The error wraps ErrNotLinearizable or ErrUndecided, the latter if one key
// takes longer than the time given. Once a few keys have failed the rest is not looked
// at. For each that has, a picture of its history, as a web page, is written to the
// folder, unless that is empty.
func CheckLinearizable(operations []Operation, timeout time.Duration, folder string) error {
	var errs []error
	failed := 0
	for _, key := range keysOf(operations) {
		if failed == failedKeysMax {
			break
		}
		history := ofKey(operations, key)
		verdict, info := porcupine.CheckOperationsVerbose(model, history, timeout)
		if verdict == porcupine.Ok {
			continue
		}
		failed++
		err := fmt.Errorf("%w: %s, with %d operations", ErrNotLinearizable, key, len(history))
		if verdict == porcupine.Unknown {
			err = fmt.Errorf("%w: %s, with %d operations in %v", ErrUndecided, key, len(history), timeout)
		}
		errs = append(errs, err)
		if folder != "" {
			errs = append(errs, porcupine.VisualizePath(model, info, filepath.Join(folder, "key-"+key+".html")))
		}
	}
	return errors.Join(errs...)
}

func keysOf(operations []Operation) []string {
	var keys []string
	for i := range operations {
		keys = append(keys, operations[i].Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// ofKey returns what can have had an effect on a key or seen one. An operation that
// was not answered goes on for ever: to come last is to have had no effect.
func ofKey(operations []Operation, key string) []porcupine.Operation {
	var all []porcupine.Operation
	for i := range operations {
		o := &operations[i]
		if o.Key != key || o.Outcome == Refused || o.Outcome == Unknown && !o.IsWrite() {
			continue
		}
		end := o.Return
		if o.Outcome == Unknown {
			end = math.MaxInt64
		}
		all = append(all, porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: end})
	}
	return all
}
