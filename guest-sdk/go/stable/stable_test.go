package stable

import "testing"

// From another implementation; these may never change.
func TestTheHashIsWhatItWas(t *testing.T) {
	for _, known := range []struct {
		seed, key string
		hash      uint64
	}{
		{"", "", 0xcfa3c5eb015b4663},
		{"canary", "", 0xc1f8842ce7ef3db6},
		{"canary", "a", 0xf209aa7026af6cd5},
		{"canary", "203.0.113.7", 0xf4f8fc1df0a00b82},
		{"shop-canary", "6f1c", 0xdda9cc8b45146f77},
		{"canary", "é", 0x34480dd437f5b5ee},
	} {
		if got := hash(New(known.seed).seed, known.key); got != known.hash {
			t.Errorf("%q %q: %x, not %x", known.seed, known.key, got, known.hash)
		}
	}
	if got := New("canary").Position("a"); got < 0.945459988003390 || got > 0.945459988003391 {
		t.Errorf("position %v", got)
	}
}
