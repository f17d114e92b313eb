// Package counters has atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs
// the grant counters.
package counters

import (
	"time"

	"cardea.dev/policy/internal/host"
	"cardea.dev/policy/internal/span"
)

// Bucket is what became of a Take: Allowed, Remaining, and RetryAfterMs for what was not allowed.
type Bucket = host.Bucket

// Add returns the new value. The counter ends ttl after it was made; 0: never.
func Add(key string, delta int64, ttl time.Duration) int64 {
	return host.Add(key, delta, span.Milliseconds(ttl))
}

// Get is 0 for what was never counted.
func Get(key string) int64 { return host.Count(key) }

// Take takes cost of a bucket that holds limit and refills within window.
func Take(key string, cost, limit uint32, window time.Duration) Bucket {
	return host.Take(key, cost, limit, span.Milliseconds(window))
}
