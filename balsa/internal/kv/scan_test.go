// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"fmt"
	"strconv"
	"testing"
)

// scanStep scans once and returns the keys and the next cursor.
func (p *player) scanStep(t *testing.T, cursor, count int64) (keys []string, next int64) {
	t.Helper()
	texts := bulks(p.do(Command{Op: OpScan, Number: cursor, Count: count}))
	next, err := strconv.ParseInt(texts[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return texts[1:], next
}

// TestScanReturnsEveryKeyThatStays scans while other keys come and go.
func TestScanReturnsEveryKeyThatStays(t *testing.T) {
	const staying, count = 1000, 7
	p := newPlayer()
	for i := range staying {
		p.do(op(OpSet, fmt.Sprint("stays", i), "v"))
		p.do(op(OpSet, fmt.Sprint("goes", i), "v"))
	}
	seen := map[string]int{}
	steps := 0
	for cursor := int64(0); steps == 0 || cursor != 0; steps++ {
		var keys []string
		keys, cursor = p.scanStep(t, cursor, count)
		if len(keys) > count {
			t.Fatalf("%d keys in one step, want at most %d", len(keys), count)
		}
		for _, key := range keys {
			seen[key]++
		}
		p.do(op(OpDel, fmt.Sprint("goes", steps)))
		p.do(op(OpSet, fmt.Sprint("comes", steps), "v"))
	}
	for i := range staying {
		if n := seen[fmt.Sprint("stays", i)]; n != 1 {
			t.Errorf("stays%d was returned %d times, want once", i, n)
		}
	}
	if steps < staying/count {
		t.Errorf("only %d steps", steps)
	}
}

func TestScanPutsKeysOfOnePositionInOneReply(t *testing.T) {
	p := newPlayer()
	for i := range 5 {
		i := p.machine.memory.add(fmt.Appendf(nil, "key%d", i))
		p.machine.memory.order.Delete(i)
		i.position = 7
		p.machine.memory.order.Set(i)
		i.setValue([]byte("v"), nil)
	}
	keys, next := p.scanStep(t, 0, 2)
	if len(keys) != 5 || next != 0 {
		t.Errorf("got %v and cursor %d, want all five and 0", keys, next)
	}
}

func TestPositionsAreGolden(t *testing.T) {
	for key, want := range map[string]uint64{"": 0xcbf29ce48422, "a": 0xaf63dc4c8601, "foobar": 0x85944171f739} {
		if got := PositionOf([]byte(key)); got != want {
			t.Errorf("position of %q is %#x, want %#x: cursors would break", key, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{"", []string{""}, []string{"a"}},
		{"*", []string{"", "a", "ab"}, nil},
		{"a*", []string{"a", "ab"}, []string{"", "ba"}},
		{"*a", []string{"a", "ba", "aa"}, []string{"", "ab"}},
		{"a*b*c", []string{"abc", "axxbxxc", "abbcc"}, []string{"acb", "ab"}},
		{"h?llo", []string{"hello", "hxllo"}, []string{"hllo", "heello"}},
		{"h[ae]llo", []string{"hello", "hallo"}, []string{"hillo"}},
		{"h[^e]llo", []string{"hallo"}, []string{"hello", "hllo"}},
		{"h[a-c]llo", []string{"hallo", "hcllo"}, []string{"hdllo"}},
		{"h[c-a]llo", []string{"hbllo"}, []string{"hdllo"}},
		{"h[a-", []string{"ha", "h-"}, []string{"hb"}},
		{"h[", nil, []string{"h[", "h"}},
		{`h\*`, []string{"h*"}, []string{"hx"}},
		{`h[\]]`, []string{"h]"}, []string{`h\`}},
		{`h\`, []string{`h\`}, []string{"h"}},
		{"**?", []string{"a", "ab"}, []string{""}},
	}
	for _, test := range tests {
		for _, key := range test.yes {
			if !Matches([]byte(test.pattern), key) {
				t.Errorf("%q does not match %q", test.pattern, key)
			}
		}
		for _, key := range test.no {
			if Matches([]byte(test.pattern), key) {
				t.Errorf("%q matches %q", test.pattern, key)
			}
		}
	}
}
