// SPDX-License-Identifier: Apache-2.0

package logwriter

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestStats: the last Save, the slowest of late and the one under way are told apart.
func TestStats(t *testing.T) {
	d := &disk{}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		g, seq := &group{id: 1}, uint64(0)
		expect := func(what string, want Stats) {
			t.Helper()
			if got := w.Stats(); got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		save := func(delay time.Duration) {
			d.delay = delay
			seq++
			g.queue(w, seq, 100)
			time.Sleep(delay)
			synctest.Wait()
		}
		expect("nothing was saved", Stats{})
		save(3 * time.Second)
		expect("after one", Stats{Saves: 1, Last: 3 * time.Second, Slowest: 3 * time.Second})
		save(time.Second)
		expect("after a faster one", Stats{Saves: 2, Last: time.Second, Slowest: 3 * time.Second})
		time.Sleep(30 * time.Second)
		expect("half a minute later", Stats{Saves: 2, Last: time.Second, Slowest: 3 * time.Second})
		save(2 * time.Second)
		time.Sleep(30 * time.Second)
		expect("the slowest is more than a minute ago", Stats{Saves: 3, Last: 2 * time.Second, Slowest: 2 * time.Second})
		time.Sleep(10 * time.Minute)
		expect("much later", Stats{Saves: 3, Last: 2 * time.Second})

		d.delay = time.Hour
		g.queue(w, 100, 100)
		time.Sleep(59 * time.Minute)
		g.queue(w, 101, 40)
		expect("while one takes long", Stats{Saves: 3, Last: 2 * time.Second, Underway: 59 * time.Minute, Bytes: 40})
		time.Sleep(time.Minute)
		synctest.Wait()
		expect("the next has begun", Stats{Saves: 4, Last: time.Hour, Slowest: time.Hour})
	})
}

// A Save that fails is over, too.
func TestStatsOfFailure(t *testing.T) {
	d := &disk{delay: time.Second, failAt: 1, err: errors.New("no space")}
	inBubble(t, d, func(t *testing.T, w *Writer) {
		(&group{id: 1}).queue(w, 1, 30)
		time.Sleep(time.Second)
		synctest.Wait()
		if got, want := w.Stats(), (Stats{Saves: 1, Last: time.Second, Slowest: time.Second}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
