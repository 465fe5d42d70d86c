// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// workersCount is how many mutants are tried at the same time.
const workersCount = 2

// run tries the mutants on copies of the module, after all of their layers have passed
// without any, and reports the verdicts.
func run(ctx context.Context, root string, all []layer, mutants []mutant, r *report) (err error) {
	r.begun = time.Now()
	used, err := layersOf(all, mutants)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "raft-mutants-")
	if err != nil {
		return fmt.Errorf("make a folder for the copies: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	workers := make([]*worker, workersCount)
	for i := range workers {
		folder := filepath.Join(temp, strconv.Itoa(i))
		workers[i] = &worker{tree: filepath.Join(folder, "tree"), binary: filepath.Join(folder, "tests.exe")}
		if err := copyTree(root, workers[i].tree); err != nil {
			return err
		}
	}
	err = share(ctx, workers, used, func(ctx context.Context, w *worker, l layer) error {
		begun := time.Now()
		if err := w.baseline(ctx, l); err != nil {
			return err
		}
		return r.passed(l, time.Since(begun))
	})
	if err != nil {
		return err
	}
	return share(ctx, workers, mutants, func(ctx context.Context, w *worker, m mutant) error {
		l, _ := findLayer(all, m.layer)
		v, err := w.try(ctx, l, &m)
		if err != nil {
			return err
		}
		return r.tried(&m, v)
	})
}

// layersOf returns the layers that the mutants name, each once. An unknown one is an
// error.
func layersOf(all []layer, mutants []mutant) ([]layer, error) {
	for i := range mutants {
		if _, known := findLayer(all, mutants[i].layer); !known {
			return nil, fmt.Errorf("mutant %s: there is no layer %q", mutants[i].name, mutants[i].layer)
		}
	}
	var used []layer
	for _, l := range all {
		if slices.ContainsFunc(mutants, func(m mutant) bool { return m.layer == l.name }) {
			used = append(used, l)
		}
	}
	return used, nil
}

// share has the workers do one job after the other, until all are done or one fails.
func share[T any](ctx context.Context, workers []*worker, jobs []T, do func(context.Context, *worker, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan T, len(jobs))
	for _, job := range jobs {
		queue <- job
	}
	close(queue)
	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() {
			for job := range queue {
				if ctx.Err() != nil {
					return
				}
				if err := do(ctx, w, job); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}
