// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/mc"
)

func TestLastLineIsJSON(t *testing.T) {
	var out, news bytes.Buffer
	if status := run([]string{"-scope", "mc2", "-part", "5", "-json", "-v"}, &out, &news); status != 0 {
		t.Fatalf("status %d: %s", status, &news)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var total mc.Total
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &total); err != nil {
		t.Fatal(err)
	}
	if total.Scope != "mc2" || !total.Closed || total.Violations != 0 || total.Distinct < 5000 || total.Depth < 20 || len(total.Parts) != 1 {
		t.Errorf("%+v", total)
	}
	if !strings.Contains(out.String(), `"crashes":1`) || !strings.Contains(news.String(), "depth 20") {
		t.Errorf("bounds or depths are missing:\n%s\n%s", &out, &news)
	}
}

func TestSnapshots(t *testing.T) {
	var out, news bytes.Buffer
	if status := run([]string{"-scope", "mc5", "-part", "5"}, &out, &news); status != 0 {
		t.Fatalf("status %d: %s", status, &news)
	}
	if !strings.Contains(out.String(), `"snapshots":[2,2,0],"bases":[2,2,0]`) || !strings.Contains(out.String(), "closed true, 0 violations") {
		t.Error(out.String())
	}
}

func TestGivingUpIsNotClosed(t *testing.T) {
	var out, news bytes.Buffer
	if status := run([]string{"-scope", "mc1", "-part", "1", "-states", "100"}, &out, &news); status != 1 {
		t.Errorf("status %d\n%s", status, &out)
	}
	if !strings.Contains(out.String(), "closed false") {
		t.Error(out.String())
	}
}

func TestReplay(t *testing.T) {
	var out, news bytes.Buffer
	if status := run([]string{"-scope", "mc1", "-part", "1", "-replay", "t1.0 d2.0"}, &out, &news); status != 0 {
		t.Fatalf("status %d: %s", status, &news)
	}
	if !strings.Contains(out.String(), "2 > 1 PreVoteReply{Term:1 Round:1 Granted:true}") {
		t.Error(out.String())
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-scope", "mc9"}, {"-part", "99"}, {"-replay", "t1.0"}, {"-part", "1", "-replay", "k1.0"}, {"-nonsense"},
	} {
		var out, news bytes.Buffer
		if status := run(args, &out, &news); status != 2 || news.Len() == 0 {
			t.Errorf("%v: status %d, %s", args, status, &news)
		}
	}
}
