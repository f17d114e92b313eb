// Package outcome has what the outcomes of all phases are made of, and lays them out for the ingress.
package outcome

import "cardea.dev/policy/internal/host"

// Decision is in the order of the interface.
type Decision uint8

const (
	Next Decision = iota
	Route
	Redirect
	Respond
	Deny
	WantBody
)

// EditKind is in the order of the interface.
type EditKind uint8

const (
	Set EditKind = iota
	Append
	Remove
	SetPath
	SetQuery
	SetAuthority
)

// Edit changes a head. Name is the new value of what has no name; Absent is for a query that is removed.
type Edit struct {
	Kind        EditKind
	Absent      bool
	Name, Value string
}

// Reply is a redirect, an answer or a denial: Text is a location, a body or a reason.
type Reply struct {
	Status       int
	Text         string
	Headers      []host.Field
	RetryAfterMs uint32
	HasRetry     bool
}

// Weighted is a backend to draw.
type Weighted struct {
	Backend string
	Weight  uint32
}

// Pair is a label.
type Pair struct{ Key, Value string }

const (
	FollowResponse uint8 = 1 << iota
	FollowComplete
)

// Request is what a request phase decides.
type Request struct {
	Decision      Decision
	Reply         Reply
	Backend       string
	Weighted      []Weighted
	Subset        []Pair
	BodyMax       uint32
	DenyOverflow  bool
	Edits         []Edit
	ResponseEdits []Edit
	Follow        uint8
	Carry         string
	Labels        []Pair
}

// Response is what the response phase decides.
type Response struct {
	Replaces bool
	Reply    Reply
	Edits    []Edit
	Carry    string
}

// Added leaves the list as it was: two outcomes that were made from one must not share what is added.
func Added[T any](list []T, element T) []T { return append(list[:len(list):len(list)], element) }
