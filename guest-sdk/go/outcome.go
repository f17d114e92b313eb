package policy

import (
	"cardea.dev/policy/internal/host"
	"cardea.dev/policy/internal/outcome"
)

// Outcome is what a request phase decides; the zero value is Next. Begin with Next, Route, Weighted, Subset, Deny,
// Redirect, Respond or WantBody, then chain. Each method returns a new outcome and leaves the old one as it was. The
// ingress checks all of an outcome, and applies all of it or nothing.
type Outcome struct{ made outcome.Request }

// Made is for the packages of this module.
func (o Outcome) Made() outcome.Request { return o.made }

// WeightedBackend is one of several to draw from.
type WeightedBackend = outcome.Weighted

// Next has no opinion: the next policy decides, then the route's own backend serves.
func Next() Outcome { return Outcome{} }

// Route goes to a backend that the route declares; later policies may choose again.
func Route(backend string) Outcome { return Outcome{}.Route(backend) }

// Weighted lets the ingress draw a backend by weight, of the sum: at most 16.
func Weighted(backends ...WeightedBackend) Outcome { return Outcome{}.Weighted(backends...) }

// Subset keeps the route's own backend, but only its endpoints that carry this label. Chain more of them.
func Subset(label, value string) Outcome { return Outcome{}.Subset(label, value) }

// Deny refuses: status is 400 to 599, reason a token of at most 64 bytes, and the ingress renders the body.
func Deny(status int, reason string) Outcome {
	return answer(outcome.Deny, status, reason)
}

// Redirect answers with 301, 302, 303, 307 or 308.
func Redirect(status int, location string) Outcome {
	return answer(outcome.Redirect, status, location)
}

// Respond answers: status is 200 to 599, the body has at most 1 MiB.
func Respond(status int, body string) Outcome {
	return answer(outcome.Respond, status, body)
}

func answer(decision outcome.Decision, status int, text string) Outcome {
	return Outcome{outcome.Request{Decision: decision, Reply: outcome.Reply{Status: status, Text: text}}}
}

// WantBody asks for at most max bytes of the body, within the policy's limits.body. A longer body is cut, or with
// denyOverflow answered 413. The policy imports cardea.dev/policy/body, and has OnRequestBody.
func WantBody(max uint32, denyOverflow bool) Outcome {
	return Outcome{outcome.Request{Decision: outcome.WantBody, BodyMax: max, DenyOverflow: denyOverflow}}
}

// Route chooses a backend in place of the decision so far.
func (o Outcome) Route(backend string) Outcome {
	return o.to(backend, nil, nil)
}

// Weighted lets the ingress draw a backend, in place of the decision so far.
func (o Outcome) Weighted(backends ...WeightedBackend) Outcome {
	return o.to("", backends, nil)
}

// Subset asks for one more label of the endpoints, in place of another decision.
func (o Outcome) Subset(label, value string) Outcome {
	return o.to("", nil, outcome.Added(o.made.Subset, outcome.Pair{Key: label, Value: value}))
}

func (o Outcome) to(backend string, weighted []WeightedBackend, subset []outcome.Pair) Outcome {
	o.made.Decision = outcome.Route
	o.made.Backend, o.made.Weighted, o.made.Subset = backend, weighted, subset
	return o
}

// SetHeader sets a request header, in place of all its values.
func (o Outcome) SetHeader(name, value string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Set, Name: name, Value: value})
}

// AppendHeader adds a value to a request header.
func (o Outcome) AppendHeader(name, value string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Append, Name: name, Value: value})
}

// RemoveHeader removes a request header.
func (o Outcome) RemoveHeader(name string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.Remove, Name: name})
}

// SetPath is absolute, and does not route again.
func (o Outcome) SetPath(path string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.SetPath, Name: path})
}

// SetQuery is without the question mark.
func (o Outcome) SetQuery(query string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.SetQuery, Name: query})
}

// RemoveQuery removes the query with its question mark.
func (o Outcome) RemoveQuery() Outcome {
	return o.edited(outcome.Edit{Kind: outcome.SetQuery, Absent: true})
}

// SetAuthority is a name or an address, with an optional port.
func (o Outcome) SetAuthority(authority string) Outcome {
	return o.edited(outcome.Edit{Kind: outcome.SetAuthority, Name: authority})
}

// SetResponseHeader sets a header of the response, without a call in the response phase.
func (o Outcome) SetResponseHeader(name, value string) Outcome {
	return o.responseEdited(outcome.Edit{Kind: outcome.Set, Name: name, Value: value})
}

// AppendResponseHeader adds a value to a header of the response.
func (o Outcome) AppendResponseHeader(name, value string) Outcome {
	return o.responseEdited(outcome.Edit{Kind: outcome.Append, Name: name, Value: value})
}

// RemoveResponseHeader removes a header of the response.
func (o Outcome) RemoveResponseHeader(name string) Outcome {
	return o.responseEdited(outcome.Edit{Kind: outcome.Remove, Name: name})
}

// WithHeader adds a header to the answer of Deny or Respond.
func (o Outcome) WithHeader(name, value string) Outcome {
	o.made.Reply.Headers = outcome.Added(o.made.Reply.Headers, host.Field{Name: name, Value: value})
	return o
}

// RetryAfter adds the header to the answer of Deny.
func (o Outcome) RetryAfter(milliseconds uint32) Outcome {
	o.made.Reply.RetryAfterMs, o.made.Reply.HasRetry = milliseconds, true
	return o
}

// FollowResponse asks for OnResponse in this exchange: see cardea.dev/policy/response.
func (o Outcome) FollowResponse() Outcome {
	o.made.Follow |= outcome.FollowResponse
	return o
}

// FollowComplete asks for OnComplete in this exchange: see cardea.dev/policy/complete.
func (o Outcome) FollowComplete() Outcome {
	o.made.Follow |= outcome.FollowComplete
	return o
}

// Carry hands at most 4 KiB to the later phases, which another instance may serve.
func (o Outcome) Carry(data string) Outcome {
	o.made.Carry = data
	return o
}

// Label adds to the access line: at most 16.
func (o Outcome) Label(key, value string) Outcome {
	o.made.Labels = outcome.Added(o.made.Labels, outcome.Pair{Key: key, Value: value})
	return o
}

func (o Outcome) edited(edit outcome.Edit) Outcome {
	o.made.Edits = outcome.Added(o.made.Edits, edit)
	return o
}

func (o Outcome) responseEdited(edit outcome.Edit) Outcome {
	o.made.ResponseEdits = outcome.Added(o.made.ResponseEdits, edit)
	return o
}
