package main

import (
	"strconv"
	"strings"
	"time"

	"cardea.dev/policy"
	"cardea.dev/policy/clock"
	"cardea.dev/policy/counters"
	"cardea.dev/policy/kv"
	"cardea.dev/policy/log"
	"cardea.dev/policy/metrics"
	"cardea.dev/policy/random"
)

func (c *conformance) serve(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/log":
		return text(write(parameter(request, "text"))), true
	case "/metrics":
		return text(measure()), true
	case "/clock":
		return text(now()), true
	case "/clock/since":
		return text(since()), true
	case "/random/u64":
		return text(strconv.FormatUint(random.Uint64(), 10)), true
	case "/random/bytes":
		return text(toHex(string(random.Bytes(uint32(number(request, "len", 0)))))), true
	case "/fail":
		panic("as asked")
	}
	return policy.Next(), false
}

func write(line string) string {
	var asked strings.Builder
	for level := log.LevelTrace; level <= log.LevelError; level++ {
		if log.Enabled(level) {
			log.Write(level, line)
			asked.WriteByte('1')
		} else {
			asked.WriteByte('0')
		}
	}
	return asked.String()
}

func measure() string {
	metrics.NewCounter("conformance_calls").Add(1)
	level := metrics.NewGauge("conformance_level")
	level.Set(-5)
	level.Add(3)
	metrics.NewHistogram("conformance_size").Observe(42)
	metrics.NewCounter("conformance_calls").Add(1)
	return "measured"
}

func now() string {
	now, ticks := clock.NowMs(), clock.Monotonic()
	told := strconv.FormatUint(now, 10)
	if clock.NowMs() == now && clock.Monotonic() == ticks {
		return told + " frozen"
	}
	return told + " moved"
}

func since() string {
	now := clock.Monotonic().Microseconds()
	before, _, ok := kv.Get("since")
	_, _ = kv.Set("since", strconv.FormatInt(now, 10), 0)
	if !ok {
		return "first"
	}
	then, _ := strconv.ParseInt(before, 10, 64)
	return strconv.FormatInt(now-then, 10)
}

func milliseconds(request policy.Request, name string) time.Duration {
	return time.Duration(number(request, name, 0)) * time.Millisecond
}

func (c *conformance) keep(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/kv/get":
		value, version, ok := kv.Get(parameter(request, "key"))
		return maybe(strconv.FormatUint(version, 10)+" "+value, ok), true
	case "/kv/set":
		value := parameter(request, "value")
		if size := number(request, "size", -1); size >= 0 {
			value = strings.Repeat("x", size)
		}
		return written(kv.Set(parameter(request, "key"), value, milliseconds(request, "ttl"))), true
	case "/kv/cas":
		version, _ := strconv.ParseUint(parameter(request, "version"), 10, 64)
		key, value := parameter(request, "key"), parameter(request, "value")
		return written(kv.CompareAndSet(key, version, value, milliseconds(request, "ttl"))), true
	case "/kv/delete":
		kv.Delete(parameter(request, "key"))
		return text("deleted"), true
	}
	return policy.Next(), false
}

func written(version uint64, err error) policy.Outcome {
	if err != nil {
		return text("error " + strings.ReplaceAll(err.Error(), " ", "-"))
	}
	return text("version " + strconv.FormatUint(version, 10))
}

func (c *conformance) count(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/counters/add":
		delta, _ := strconv.ParseInt(parameter(request, "delta"), 10, 64)
		sum := counters.Add(parameter(request, "key"), delta, milliseconds(request, "ttl"))
		return text(strconv.FormatInt(sum, 10)), true
	case "/counters/get":
		return text(strconv.FormatInt(counters.Get(parameter(request, "key")), 10)), true
	case "/counters/take":
		key, cost := parameter(request, "key"), uint32(number(request, "cost", 1))
		return text(taken(counters.Take(key, cost, uint32(c.Limit), milliseconds(request, "window")))), true
	}
	return policy.Next(), false
}

func taken(bucket counters.Bucket) string {
	word := "refused"
	if bucket.Allowed {
		word = "allowed"
	}
	return word + " " + strconv.Itoa(int(bucket.Remaining)) + " " + strconv.Itoa(int(bucket.RetryAfterMs))
}
