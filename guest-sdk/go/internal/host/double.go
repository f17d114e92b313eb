//go:build !wasip1

package host

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"cardea.dev/policy/internal/world"
)

// The same questions as in a component, answered by the double.

func Method() string    { return world.The.Ask("method").Method }
func Scheme() string    { return world.The.Ask("scheme").Scheme }
func Authority() string { return world.The.Ask("authority").Authority }
func Path() string      { return world.The.Ask("path").Path }
func RawPath() string   { return world.The.Ask("raw-path").Path }
func Client() string    { return world.The.Ask("client").Client }

func Query() (string, bool) {
	if query := world.The.Ask("query").Query; query != nil {
		return *query, true
	}
	return "", false
}

func QueryParam(name string) (string, bool) {
	exchange := world.The.Ask("query-param:" + name)
	if exchange.Query == nil {
		return "", false
	}
	for _, pair := range strings.Split(*exchange.Query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(key); err == nil && decoded == name {
			decoded, err := url.QueryUnescape(value)
			return decoded, err == nil && utf8.ValidString(decoded)
		}
	}
	return "", false
}

func Header(name string) (string, bool) { return world.First(HeaderValues(name)) }

func HeaderValues(name string) []string {
	return world.Values(world.The.Ask("header:"+strings.ToLower(name)).Headers, name)
}

func HeaderNames() []string {
	var names []string
	for _, header := range world.The.Ask("header-names").Headers {
		if !slices.Contains(names, header.Name) {
			names = append(names, header.Name)
		}
	}
	return names
}

func Headers() []Field { return fields(world.The.Ask("headers").Headers) }

func fields(headers []world.Field) []Field {
	all := make([]Field, 0, len(headers))
	for _, header := range headers {
		all = append(all, Field(header))
	}
	return all
}

func Cookie(name string) (string, bool) { return world.The.Ask("cookie:" + name).Cookie(name) }
func ResponseStatus() int               { return world.The.Ask("response-status").Status }

func ResponseHeader(name string) (string, bool) {
	return world.First(world.Values(world.The.Ask("response-header:"+strings.ToLower(name)).ResponseHeaders, name))
}

func ResponseHeaders() []Field { return fields(world.The.Ask("response-headers").ResponseHeaders) }

func Attribute(name string) (string, bool) {
	value, ok := world.The.Ask("attribute:" + name).Attributes[name]
	return value, ok
}

func SetNote(key, value string) { world.The.Notes[key] = value }

func Note(key string) (string, bool) {
	value, ok := world.The.Notes[key]
	return value, ok
}

var levels = []string{"trace", "debug", "info", "warn", "error"}

func LogEnabled(uint8) bool { return true }

func Log(level uint8, line string) {
	world.The.Log = append(world.The.Log, levels[level]+": "+line)
}

func Counter(name string) uint32       { return world.The.Metric(name) }
func Gauge(name string) uint32         { return world.The.Metric(name) }
func Histogram(name string) uint32     { return world.The.Metric(name) }
func MetricAdd(id uint32, delta int64) { world.The.Metrics[id].Value += delta }
func MetricSet(id uint32, value int64) { world.The.Metrics[id].Value = value }
func Observe(id uint32, value uint64)  { world.The.Metrics[id].Value += int64(value) }
func NowMs() uint64                    { return uint64(world.The.Now.UnixMilli()) }
func MonotonicUs() uint64              { return uint64(world.The.Monotonic.Microseconds()) }
func NextU64() uint64                  { return world.The.Uint64() }

func RandomBytes(count uint32) []byte {
	bytes := make([]byte, min(count, 256))
	for i := range bytes {
		bytes[i] = byte(world.The.Uint64())
	}
	return bytes
}

func Get(key string) (value string, version uint64, ok bool) {
	value, version = world.The.Get(key)
	return value, version, version > 0
}

func Set(key, value string, ttlMs uint32) (version uint64, failure uint8, ok bool) {
	return world.The.Set(key, value, ttlMs), 0, true
}

// The number of the error `conflict`.
const conflict = 4

func CompareAndSet(key string, version uint64, value string, ttlMs uint32) (newVersion uint64, failure uint8, ok bool) {
	if _, current := world.The.Get(key); current != version {
		return 0, conflict, false
	}
	return world.The.Set(key, value, ttlMs), 0, true
}

func Delete(key string)                               { world.The.Delete(key) }
func Add(key string, delta int64, ttlMs uint32) int64 { return world.The.Add(key, delta, ttlMs) }
func Count(key string) int64                          { return world.The.Count(key) }

func Take(key string, cost, limit, windowMs uint32) Bucket {
	allowed, remaining, retry := world.The.Take(key, cost, limit, windowMs)
	return Bucket{allowed, remaining, retry}
}
