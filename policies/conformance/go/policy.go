// Conformance uses the whole of the policy interface: what each path does is said in ../README.md.
package main

import (
	"errors"

	"cardea.dev/policy"
)

type config struct {
	Backend string `json:"backend"`
	Limit   int    `json:"limit"`
	Mark    string `json:"mark"`
}

func (c *config) Defaults() { c.Limit, c.Mark = 3, "cardea" }

type conformance struct{ config }

func start(c config) (*conformance, error) {
	if c.Backend == "" {
		return nil, errors.New("config.backend: name a backend of the route")
	}
	if c.Limit < 1 || c.Limit > 1000 {
		return nil, errors.New("config.limit: give a whole number from 1 to 1000")
	}
	return &conformance{c}, nil
}

func (c *conformance) OnRequest(request policy.Request) policy.Outcome {
	path := request.Path()
	for _, part := range parts {
		if outcome, ok := part(c, path, request); ok {
			return outcome
		}
	}
	if value, _ := request.Header("x-canary"); value == "1" {
		return policy.Route(c.Backend)
	}
	return policy.Next().SetHeader("x-policy", c.Mark)
}

// Each answers for its paths.
var parts = []func(c *conformance, path string, request policy.Request) (policy.Outcome, bool){
	(*conformance).ask, (*conformance).decide, (*conformance).edit, (*conformance).follow,
	(*conformance).serve, (*conformance).keep, (*conformance).count,
}

func init() { policy.Register(start) }

func main() {}
