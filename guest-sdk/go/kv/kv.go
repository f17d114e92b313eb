// Package kv keeps values in this ingress process, shared by all workers, by policy; they survive a swap of the module.
// Needs the grant kv-local.
package kv

import (
	"time"

	"cardea.dev/policy/internal/host"
	"cardea.dev/policy/internal/span"
)

// Error is why a value was not written.
type Error uint8

const (
	Denied Error = iota
	Quota
	TooLarge
	Invalid
	// Conflict: the version is another.
	Conflict
)

func (e Error) Error() string {
	switch e {
	case Denied:
		return "denied"
	case Quota:
		return "quota"
	case TooLarge:
		return "too large"
	case Invalid:
		return "invalid"
	}
	return "conflict"
}

// Get returns a value with its version, which rises with each write.
func Get(key string) (value string, version uint64, ok bool) { return host.Get(key) }

// Set writes, and returns the new version. A ttl of 0: until evicted.
func Set(key, value string, ttl time.Duration) (version uint64, err error) {
	return answer(host.Set(key, value, span.Milliseconds(ttl)))
}

// CompareAndSet writes if the version is still this one; version 0: only if absent.
func CompareAndSet(key string, version uint64, value string, ttl time.Duration) (newVersion uint64, err error) {
	return answer(host.CompareAndSet(key, version, value, span.Milliseconds(ttl)))
}

// Delete forgets a value.
func Delete(key string) { host.Delete(key) }

func answer(version uint64, failure uint8, ok bool) (uint64, error) {
	if ok {
		return version, nil
	}
	return 0, Error(failure)
}
