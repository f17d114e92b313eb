package host

import (
	"structs"
	"unsafe"

	"cardea.dev/policy/internal/abi"
)

type entry struct {
	_       structs.HostLayout
	some    uint8
	_       [7]uint8
	value   abi.Slice
	version uint64
}

type written struct {
	_      structs.HostLayout
	failed uint8
	_      [7]uint8
	// The version, or the error in its first byte.
	version uint64
}

type bucket struct {
	_                       structs.HostLayout
	allowed                 uint8
	remaining, retryAfterMs uint32
}

var (
	kept   entry
	result written
	taken  bucket
)

func LogEnabled(level uint8) bool      { return logEnabled(uint32(level)) != 0 }
func Log(level uint8, message string)  { logLog(uint32(level), message) }
func Counter(name string) uint32       { return metricsCounter(name) }
func Gauge(name string) uint32         { return metricsGauge(name) }
func Histogram(name string) uint32     { return metricsHistogram(name) }
func MetricAdd(id uint32, delta int64) { metricsAdd(id, delta) }
func MetricSet(id uint32, value int64) { metricsSet(id, value) }
func Observe(id uint32, value uint64)  { metricsObserve(id, value) }
func NowMs() uint64                    { return clockNowMs() }
func MonotonicUs() uint64              { return clockMonotonicUs() }
func NextU64() uint64                  { return randomNextU64() }

func RandomBytes(count uint32) []byte {
	randomBytes(count, unsafe.Pointer(&slice))
	answer := slice.Bytes()
	abi.Landed()
	return answer
}

func Get(key string) (value string, version uint64, ok bool) {
	kvGet(key, unsafe.Pointer(&kept))
	if kept.some == 0 {
		return "", 0, false
	}
	value = kept.value.String()
	abi.Landed()
	return value, kept.version, true
}

// Set answers with the new version, or with the number of an error.
func Set(key, value string, ttlMs uint32) (version uint64, failure uint8, ok bool) {
	kvSet(key, value, ttlMs, unsafe.Pointer(&result))
	return result.version, uint8(result.version), result.failed == 0
}

func CompareAndSet(key string, version uint64, value string, ttlMs uint32) (newVersion uint64, failure uint8, ok bool) {
	kvCompareAndSet(key, version, value, ttlMs, unsafe.Pointer(&result))
	return result.version, uint8(result.version), result.failed == 0
}

func Delete(key string)                               { kvDelete(key) }
func Add(key string, delta int64, ttlMs uint32) int64 { return countersAdd(key, delta, ttlMs) }
func Count(key string) int64                          { return countersGet(key) }
func Take(key string, cost, limit, windowMs uint32) Bucket {
	countersTake(key, cost, limit, windowMs, unsafe.Pointer(&taken))
	return Bucket{taken.allowed != 0, taken.remaining, taken.retryAfterMs}
}
