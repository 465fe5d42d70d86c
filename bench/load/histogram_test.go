// SPDX-License-Identifier: Apache-2.0

package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsAreInOrderAndNarrow(t *testing.T) {
	for bucket := 1; bucket < buckets; bucket++ {
		low, high := upperBound(bucket-1)+1, upperBound(bucket)
		if bucketOf(low) != bucket || bucketOf(high) != bucket {
			t.Fatalf("bucket %d holds [%d, %d], which go to %d and %d", bucket, low, high, bucketOf(low), bucketOf(high))
		}
		if width := high - low; float64(width) > float64(low)/subs {
			t.Fatalf("bucket %d is %d wide at %d", bucket, width, low)
		}
	}
}

func TestHistogramTakesAnyDuration(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{-1, 0, time.Nanosecond, time.Hour, 1<<63 - 1} {
		h.Record(d)
	}
	if h.Total() != 5 || h.Max() != 1<<63-1 {
		t.Fatalf("total %d, max %d", h.Total(), h.Max())
	}
}

func TestQuantilesAfterMerge(t *testing.T) {
	var merged Histogram
	var all []time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		var h Histogram
		for range 1000 {
			d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
			h.Record(d)
			all = append(all, d)
		}
		merged.Merge(&h)
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.99, 0.999} {
		want, got := float64(all[int(q*float64(len(all)))-1]), float64(merged.Quantile(q))
		if got < want || got > want*(1+1.0/subs)+1 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if merged.Quantile(1) != all[len(all)-1] {
		t.Errorf("quantile 1 is %v, want %v", merged.Quantile(1), all[len(all)-1])
	}
}
