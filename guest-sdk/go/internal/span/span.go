// Package span turns lengths of time into the milliseconds of the interface.
package span

import (
	"math"
	"time"
)

// Milliseconds are at least 1 for what is more than nothing, since 0 means for ever.
func Milliseconds(ttl time.Duration) uint32 {
	if ttl <= 0 {
		return 0
	}
	return uint32(min(max(ttl.Milliseconds(), 1), math.MaxUint32))
}
