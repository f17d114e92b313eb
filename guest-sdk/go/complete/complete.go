// Package complete is the phase after an exchange. A policy that imports it has OnComplete, and asks for it by
// FollowComplete. Nobody waits for it.
package complete

import (
	"time"

	"cardea.dev/policy"
)

// Phase is what a policy adds.
type Phase interface {
	// OnComplete is called when the exchange is over. Carry is what an earlier phase handed over.
	OnComplete(request policy.Request, summary Summary, carry string)
}

// Summary is what became of an exchange.
type Summary struct {
	Status             int
	Duration, Upstream time.Duration
	BytesIn, BytesOut  uint64
	// Backend is empty where none was chosen.
	Backend string
	Retries int
	// Error is the label of the failure that answered; empty where none did.
	Error string
}
