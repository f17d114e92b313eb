//go:build !wasip1

// Package world is what the test double knows: one exchange, two clocks, draws and kept state. There is one world in a
// process, so tests that use it do not run in parallel.
package world

import (
	"strings"
	"time"
)

// Field is a header field.
type Field struct{ Name, Value string }

// Exchange is in hand of the policy.
type Exchange struct {
	Method, Scheme, Authority, Path, Client string
	Query                                   *string
	Headers, ResponseHeaders                []Field
	Status                                  int
	Attributes                              map[string]string
}

type kept struct {
	value   string
	version uint64
	ends    time.Duration
}

type count struct {
	value int64
	ends  time.Duration
}

// World is the state of the double. Never is the end of what does not end.
type World struct {
	Exchange  Exchange
	Notes     map[string]string
	Reads     []string
	Now       time.Time
	Monotonic time.Duration
	Draws     []uint64
	Log       []string
	Metrics   []Metric
	sequence  uint64
	version   uint64
	values    map[string]kept
	counts    map[string]count
	arrivals  map[string]time.Duration
}

// Metric is a series: the value of a counter or gauge, or the sum of a histogram.
type Metric struct {
	Name  string
	Value int64
}

const never = time.Duration(1<<63 - 1)

// The is the world of this process.
var The = New()

// New begins at 2026-01-01T00:00:00Z, with nothing kept.
func New() *World {
	return &World{
		Now:      time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Notes:    map[string]string{},
		values:   map[string]kept{},
		counts:   map[string]count{},
		arrivals: map[string]time.Duration{},
	}
}

// Ask records a question about the exchange in hand, once.
func (w *World) Ask(question string) *Exchange {
	for _, read := range w.Reads {
		if read == question {
			return &w.Exchange
		}
	}
	w.Reads = append(w.Reads, question)
	return &w.Exchange
}

// Advance moves both clocks on.
func (w *World) Advance(by time.Duration) {
	w.Now, w.Monotonic = w.Now.Add(by), w.Monotonic+by
}

// Uint64 is a given draw, or the next of SplitMix64.
func (w *World) Uint64() uint64 {
	if len(w.Draws) > 0 {
		draw := w.Draws[0]
		w.Draws = w.Draws[1:]
		return draw
	}
	w.sequence += 0x9e3779b97f4a7c15
	z := w.sequence
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// Metric is the number of a series, made when it is first named.
func (w *World) Metric(name string) uint32 {
	for i := range w.Metrics {
		if w.Metrics[i].Name == name {
			return uint32(i)
		}
	}
	w.Metrics = append(w.Metrics, Metric{Name: name})
	return uint32(len(w.Metrics) - 1)
}

func (w *World) end(ttlMs uint32) time.Duration {
	if ttlMs == 0 {
		return never
	}
	return w.Monotonic + time.Duration(ttlMs)*time.Millisecond
}

// Get is a kept value with its version; 0 if there is none.
func (w *World) Get(key string) (string, uint64) {
	if found, ok := w.values[key]; ok && found.ends > w.Monotonic {
		return found.value, found.version
	}
	return "", 0
}

// Set returns the new version.
func (w *World) Set(key, value string, ttlMs uint32) uint64 {
	w.version++
	w.values[key] = kept{value, w.version, w.end(ttlMs)}
	return w.version
}

// Delete forgets a value.
func (w *World) Delete(key string) { delete(w.values, key) }

// Count is 0 for what was never counted, or has ended.
func (w *World) Count(key string) int64 {
	if found, ok := w.counts[key]; ok && found.ends > w.Monotonic {
		return found.value
	}
	return 0
}

// Add returns the new value.
func (w *World) Add(key string, delta int64, ttlMs uint32) int64 {
	found, ok := w.counts[key]
	if !ok || found.ends <= w.Monotonic {
		found = count{0, w.end(ttlMs)}
	}
	found.value += delta
	w.counts[key] = found
	return found.value
}

// Take is GCRA in one step.
func (w *World) Take(key string, cost, limit, windowMs uint32) (allowed bool, remaining, retryAfterMs uint32) {
	if limit == 0 || windowMs == 0 {
		return false, 0, windowMs
	}
	window := time.Duration(windowMs) * time.Millisecond
	one := max(window/time.Duration(limit), time.Microsecond)
	arrival := max(w.arrivals[key], w.Monotonic)
	after := arrival + one*time.Duration(cost)
	left := func(arrival time.Duration) uint32 { return uint32((window - (arrival - w.Monotonic)) / one) }
	if wait := after - w.Monotonic - window; wait > 0 {
		return false, left(arrival), uint32((wait + time.Millisecond - 1) / time.Millisecond)
	}
	w.arrivals[key] = after
	return true, left(after), 0
}

// Values is every value of a header, whose name compares without case.
func Values(headers []Field, name string) []string {
	var values []string
	for _, header := range headers {
		if strings.EqualFold(header.Name, name) {
			values = append(values, header.Value)
		}
	}
	return values
}

// First is the first of them.
func First(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// Cookie is the first value of a cookie.
func (e *Exchange) Cookie(name string) (string, bool) {
	for _, line := range Values(e.Headers, "cookie") {
		for _, one := range strings.Split(line, ";") {
			if key, value, ok := strings.Cut(one, "="); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value), true
			}
		}
	}
	return "", false
}
