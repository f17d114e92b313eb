// Package policy is what a Cardea routing policy is written against. A policy asks what it needs about the request in
// hand, and returns one outcome.
//
//	package main
//
//	import "cardea.dev/policy"
//
//	type config struct {
//		Header  string `json:"header"`
//		Backend string `json:"backend"`
//	}
//
//	type testers struct{ config }
//
//	func start(c config) (*testers, error) {
//		if c.Header == "" || c.Backend == "" {
//			return nil, errors.New("config: name a header and a backend")
//		}
//		return &testers{c}, nil
//	}
//
//	func (t *testers) OnRequest(request policy.Request) policy.Outcome {
//		if value, ok := request.Header(t.Header); ok && value == "yes" {
//			return policy.Route(t.Backend).Label("group", "testers")
//		}
//		return policy.Next()
//	}
//
//	func init() { policy.Register(start) }
//
//	func main() {}
//
// What a policy calls is what its component imports, and each import but the request itself is granted in the Policy
// object: log, metrics, clock, random, kv and counters are packages beside this one. Later phases are packages too, body,
// response and complete: to import one of them is to export its phase.
package policy

import (
	"cardea.dev/policy/internal/config"
	"cardea.dev/policy/internal/instance"
)

// Policy decides about requests. One value is made for an instance and answers many exchanges, one at a time. An instance
// may be thrown away at any moment and there are several of them, so a field is a cache at best: what must be shared or
// kept belongs in kv or counters.
type Policy interface {
	// OnRequest is called when the head of a request is here.
	OnRequest(request Request) Outcome
}

// Register says how the policy is made of its config, the Policy object's spec.config; call it in an init function. C is a
// struct, whose fields have the names of their `json` tags, and which may have a method Defaults() that sets what holds for
// absent ones; NoConfig is for none. A misspelt field and a value of another type are refused by name. Beyond the plain types
// there are time.Duration (`30s`, `5m`) and whatever has UnmarshalText, such as netip.Prefix. An error of start refuses the
// config: the last good version keeps serving, and the operator reads the error.
func Register[C any, P Policy](start func(config C) (P, error)) {
	instance.Start = func(text string) (any, error) {
		var read C
		if err := config.Read(text, &read); err != nil {
			return nil, err
		}
		return start(read)
	}
}

// NoConfig is the config of a policy that takes none.
type NoConfig struct{}
