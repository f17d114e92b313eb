// Package response is the phase of the backend's answer. A policy that imports it has OnResponse, and asks for it by
// FollowResponse.
package response

import (
	"cardea.dev/policy"
	"cardea.dev/policy/internal/host"
	"cardea.dev/policy/internal/outcome"
)

// Phase is what a policy adds.
type Phase interface {
	// OnResponse is called when the head of the answer is here. Carry is what an earlier phase handed over.
	OnResponse(request policy.Request, response Response, carry string) Outcome
}

// Response is the head of the backend's answer. Like Request it holds nothing and asks the ingress.
type Response struct{}

// Status is 200, 404, ...
func (Response) Status() int { return host.ResponseStatus() }

// Header is the first value of a header.
func (Response) Header(name string) (string, bool) { return host.ResponseHeader(name) }

// Headers is all of them.
func (Response) Headers() []policy.Header { return host.ResponseHeaders() }

// Outcome is what the phase decides; the zero value is Keep. Each method returns a new one.
type Outcome struct{ made outcome.Response }

// Made is for the packages of this module.
func (o Outcome) Made() outcome.Response { return o.made }

// Keep is the backend's answer as it is, but for the edits chained on.
func Keep() Outcome { return Outcome{} }

// Replace answers in place of the backend.
func Replace(status int, body string) Outcome {
	return Outcome{outcome.Response{Replaces: true, Reply: outcome.Reply{Status: status, Text: body}}}
}

// WithHeader adds a header to the answer of Replace.
func (o Outcome) WithHeader(name, value string) Outcome {
	o.made.Reply.Headers = outcome.Added(o.made.Reply.Headers, host.Field{Name: name, Value: value})
	return o
}

// SetHeader sets a header of the answer, in place of all its values.
func (o Outcome) SetHeader(name, value string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Set, Name: name, Value: value})
}

// AppendHeader adds a value to a header.
func (o Outcome) AppendHeader(name, value string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Append, Name: name, Value: value})
}

// RemoveHeader removes a header.
func (o Outcome) RemoveHeader(name string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Remove, Name: name})
}

// Carry hands at most 4 KiB to OnComplete.
func (o Outcome) Carry(data string) Outcome {
	o.made.Carry = data
	return o
}

func (o Outcome) edited(edit outcome.Edit) Outcome {
	o.made.Edits = outcome.Added(o.made.Edits, edit)
	return o
}
