// Package host asks the ingress: in a component through the imports of cardea:policy, in a native build through the
// test double. What is not called is not imported.
package host

// Field is a header field. The value may be any bytes.
type Field struct{ Name, Value string }

// Bucket is the answer of a token bucket.
type Bucket struct {
	Allowed      bool
	Remaining    uint32
	RetryAfterMs uint32
}
