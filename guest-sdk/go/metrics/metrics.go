// Package metrics has the series of a policy, exported as cardea_policy_user_*: at most 100. Needs the grant metrics.
//
// Make them when the policy starts and keep them: making one by name is dearer than using it.
package metrics

import "cardea.dev/policy/internal/host"

// Counter only rises.
type Counter struct{ id uint32 }

func NewCounter(name string) Counter { return Counter{host.Counter(name)} }

func (c Counter) Add(delta uint32) { host.MetricAdd(c.id, int64(delta)) }

// Gauge has a value that rises and falls.
type Gauge struct{ id uint32 }

func NewGauge(name string) Gauge { return Gauge{host.Gauge(name)} }

func (g Gauge) Set(value int64) { host.MetricSet(g.id, value) }

func (g Gauge) Add(delta int64) { host.MetricAdd(g.id, delta) }

// Histogram counts values by their size.
type Histogram struct{ id uint32 }

func NewHistogram(name string) Histogram { return Histogram{host.Histogram(name)} }

func (h Histogram) Observe(value uint64) { host.Observe(h.id, value) }
