// Package random is chance. Needs the grant random. What math/rand draws in a policy is the same in every instance.
package random

import "cardea.dev/policy/internal/host"

// Uint64 is any number.
func Uint64() uint64 { return host.NextU64() }

// Fraction is at least 0 and below 1.
func Fraction() float64 { return float64(host.NextU64()>>11) / (1 << 53) }

// Bytes are at most 256.
func Bytes(count uint32) []byte { return host.RandomBytes(count) }
