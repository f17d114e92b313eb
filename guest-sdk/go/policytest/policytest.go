//go:build !wasip1

// Package policytest is the native test double: the same policy code, with answers from this process instead of the
// ingress. It answers as the ingress does, but for limits and validation of the outcome, which `cardea policy test` checks
// on the real engine. There is one world, so such tests do not run in parallel.
package policytest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"cardea.dev/policy"
	"cardea.dev/policy/body"
	"cardea.dev/policy/complete"
	"cardea.dev/policy/internal/instance"
	"cardea.dev/policy/internal/world"
	"cardea.dev/policy/response"
)

// Exchange is a request, and what the backend answered to it, for a policy to see.
type Exchange struct{ made world.Exchange }

// Get is New("GET", target).
func Get(target string) Exchange { return New("GET", target) }

// New: target is a path, and a query if there is one; https to shop.test from 192.0.2.1, unless said otherwise.
func New(method, target string) Exchange {
	made := world.Exchange{
		Method: method, Scheme: "https", Authority: "shop.test", Path: target, Client: "192.0.2.1",
		Attributes: map[string]string{},
	}
	if path, query, ok := strings.Cut(target, "?"); ok {
		made.Path, made.Query = path, &query
	}
	return Exchange{made}
}

// Header adds a field to the request.
func (e Exchange) Header(name, value string) Exchange {
	e.made.Headers = append(e.made.Headers[:len(e.made.Headers):len(e.made.Headers)], world.Field{Name: strings.ToLower(name), Value: value})
	return e
}

// Client is an address without port.
func (e Exchange) Client(address string) Exchange {
	e.made.Client = address
	return e
}

// Scheme is http or https.
func (e Exchange) Scheme(scheme string) Exchange {
	e.made.Scheme = scheme
	return e
}

// Authority is a host, with a port if there is one.
func (e Exchange) Authority(authority string) Exchange {
	e.made.Authority = authority
	return e
}

// Attribute is what Request.Attribute answers.
func (e Exchange) Attribute(name, value string) Exchange {
	attributes := map[string]string{name: value}
	for known, value := range e.made.Attributes {
		if known != name {
			attributes[known] = value
		}
	}
	e.made.Attributes = attributes
	return e
}

// Answered is the backend's status, for the response phase.
func (e Exchange) Answered(status int) Exchange {
	e.made.Status = status
	return e
}

// ResponseHeader adds a field to the backend's answer.
func (e Exchange) ResponseHeader(name, value string) Exchange {
	e.made.ResponseHeaders = append(e.made.ResponseHeaders[:len(e.made.ResponseHeaders):len(e.made.ResponseHeaders)], world.Field{Name: strings.ToLower(name), Value: value})
	return e
}

// Running is a policy that has started, with the state that it keeps between exchanges.
type Running struct {
	t      testing.TB
	policy any
}

// Start begins a new world (2026-01-01T00:00:00Z, nothing kept) and starts a policy in it, with the JSON of a config.
func Start[C any, P policy.Policy](t testing.TB, start func(C) (P, error), config string) *Running {
	t.Helper()
	running, err := Try(t, start, config)
	if err != nil {
		t.Fatalf("the policy refused its config: %v", err)
	}
	return running
}

// Try likewise; the error is what the operator would read.
func Try[C any, P policy.Policy](t testing.TB, start func(C) (P, error), config string) (*Running, error) {
	t.Helper()
	world.The = world.New()
	policy.Register(start)
	if err := instance.Run(config); err != nil {
		return nil, err
	}
	return &Running{t, instance.Policy}, nil
}

func enter(exchange Exchange) { world.The.Exchange, world.The.Reads = exchange.made, nil }

// Request asks OnRequest.
func (r *Running) Request(exchange Exchange) policy.Outcome {
	enter(exchange)
	return r.policy.(policy.Policy).OnRequest(policy.Request{})
}

// RequestBody asks OnRequestBody.
func (r *Running) RequestBody(exchange Exchange, given body.Body) policy.Outcome {
	r.t.Helper()
	phase, ok := r.policy.(body.Phase)
	if !ok {
		r.t.Fatal("the policy has no OnRequestBody")
	}
	enter(exchange)
	return phase.OnRequestBody(policy.Request{}, given)
}

// Response asks OnResponse.
func (r *Running) Response(exchange Exchange, carry string) response.Outcome {
	r.t.Helper()
	phase, ok := r.policy.(response.Phase)
	if !ok {
		r.t.Fatal("the policy has no OnResponse")
	}
	enter(exchange)
	return phase.OnResponse(policy.Request{}, response.Response{}, carry)
}

// Complete tells OnComplete.
func (r *Running) Complete(exchange Exchange, summary complete.Summary, carry string) {
	r.t.Helper()
	phase, ok := r.policy.(complete.Phase)
	if !ok {
		r.t.Fatal("the policy has no OnComplete")
	}
	enter(exchange)
	phase.OnComplete(policy.Request{}, summary, carry)
}

// Equal compares outcomes, of whatever phase.
func Equal[O any](t testing.TB, got, want O) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Advance moves both clocks on.
func Advance(by time.Duration) { world.The.Advance(by) }

// SetNow sets the wall clock.
func SetNow(now time.Time) { world.The.Now = now }

// Draw gives the next draws, each at least 0 and below 1. Later ones follow a fixed sequence.
func Draw(fractions ...float64) {
	for _, fraction := range fractions {
		world.The.Draws = append(world.The.Draws, uint64(fraction*(1<<32))<<32)
	}
}

// LogLines is what the policy logged, as `level: line`.
func LogLines() []string { return world.The.Log }

// Metric is the value of a counter or gauge, or the sum of a histogram.
func Metric(name string) (int64, bool) {
	for _, metric := range world.The.Metrics {
		if metric.Name == name {
			return metric.Value, true
		}
	}
	return 0, false
}

// Reads is what the exchange in hand was asked, in order, each once: path, header:x-canary, ...
func Reads() []string { return world.The.Reads }
