// Package stable chooses alike on every replica, without talking: by a hash of who asks.
package stable

// Spread is where keys fall between 0 and 1. The hash is FNV-1a of 64 bits with the mixer of SplitMix64 at its end: over
// the seed, then from there over the key. It is the same in the SDKs of all languages and never changes, since a change
// would move visitors. It is no secret: whoever chooses their key chooses their position.
type Spread struct{ seed uint64 }

// New: seeds that differ spread the same keys in ways that have nothing to do with each other.
func New(seed string) Spread { return Spread{hash(0, seed)} }

// Position is at least 0 and below 1; the same for ever for one seed and key, and near keys are far apart.
func (s Spread) Position(key string) float64 {
	return float64(hash(s.seed, key)>>11) / (1 << 53)
}

func hash(seed uint64, key string) uint64 {
	z := seed ^ 0xcbf29ce484222325
	for i := range len(key) {
		z = (z ^ uint64(key[i])) * 0x100000001b3
	}
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
