// Package body is the phase of a buffered request body. A policy that imports it has OnRequestBody.
package body

import "cardea.dev/policy"

// Body is what policy.WantBody asked for.
type Body struct {
	Data string
	// Complete: Data is all of it.
	Complete bool
	// Carry is what OnRequest handed over.
	Carry string
}

// Phase is what a policy adds.
type Phase interface {
	// OnRequestBody decides with the body in hand. It may not ask for a body again.
	OnRequestBody(request policy.Request, body Body) policy.Outcome
}
