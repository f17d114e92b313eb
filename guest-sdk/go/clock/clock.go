// Package clock has the time, coarse and frozen within one call. Needs the grant clock. time.Now has no clock to read in a
// policy, and stands near its zero.
package clock

import (
	"time"

	"cardea.dev/policy/internal/host"
)

// NowMs is in milliseconds since 1970-01-01T00:00:00Z.
func NowMs() uint64 { return host.NowMs() }

// Now is the same, in UTC.
func Now() time.Time { return time.UnixMilli(int64(host.NowMs())).UTC() }

// Monotonic counts from an arbitrary start, and never goes back.
func Monotonic() time.Duration { return time.Duration(host.MonotonicUs()) * time.Microsecond }
