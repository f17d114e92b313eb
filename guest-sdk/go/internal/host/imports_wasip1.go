package host

import "unsafe"

//go:wasmimport cardea:policy/exchange@0.1.0 method
func exchangeMethod(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 scheme
func exchangeScheme(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 authority
func exchangeAuthority(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 path
func exchangePath(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 query
func exchangeQuery(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 query-param
func exchangeQueryParam(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 raw-path
func exchangeRawPath(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 client
func exchangeClient(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 header
func exchangeHeader(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 header-values
func exchangeHeaderValues(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 header-names
func exchangeHeaderNames(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 headers
func exchangeHeaders(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 cookie
func exchangeCookie(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 response-status
func exchangeResponseStatus() uint32

//go:wasmimport cardea:policy/exchange@0.1.0 response-header
func exchangeResponseHeader(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 response-headers
func exchangeResponseHeaders(into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 attribute
func exchangeAttribute(name string, into unsafe.Pointer)

//go:wasmimport cardea:policy/exchange@0.1.0 set-note
func exchangeSetNote(key string, value string)

//go:wasmimport cardea:policy/exchange@0.1.0 note
func exchangeNote(key string, into unsafe.Pointer)

//go:wasmimport cardea:policy/log@0.1.0 enabled
func logEnabled(level uint32) uint32

//go:wasmimport cardea:policy/log@0.1.0 log
func logLog(level uint32, message string)

//go:wasmimport cardea:policy/metrics@0.1.0 counter
func metricsCounter(name string) uint32

//go:wasmimport cardea:policy/metrics@0.1.0 gauge
func metricsGauge(name string) uint32

//go:wasmimport cardea:policy/metrics@0.1.0 histogram
func metricsHistogram(name string) uint32

//go:wasmimport cardea:policy/metrics@0.1.0 add
func metricsAdd(id uint32, delta int64)

//go:wasmimport cardea:policy/metrics@0.1.0 set
func metricsSet(id uint32, value int64)

//go:wasmimport cardea:policy/metrics@0.1.0 observe
func metricsObserve(id uint32, value uint64)

//go:wasmimport cardea:policy/clock@0.1.0 now-ms
func clockNowMs() uint64

//go:wasmimport cardea:policy/clock@0.1.0 monotonic-us
func clockMonotonicUs() uint64

//go:wasmimport cardea:policy/random@0.1.0 next-u64
func randomNextU64() uint64

//go:wasmimport cardea:policy/random@0.1.0 bytes
func randomBytes(count uint32, into unsafe.Pointer)

//go:wasmimport cardea:policy/kv-local@0.1.0 get
func kvGet(key string, into unsafe.Pointer)

//go:wasmimport cardea:policy/kv-local@0.1.0 set
func kvSet(key string, value string, ttlMs uint32, into unsafe.Pointer)

//go:wasmimport cardea:policy/kv-local@0.1.0 compare-and-set
func kvCompareAndSet(key string, version uint64, value string, ttlMs uint32, into unsafe.Pointer)

//go:wasmimport cardea:policy/kv-local@0.1.0 delete
func kvDelete(key string)

//go:wasmimport cardea:policy/counters@0.1.0 add
func countersAdd(key string, delta int64, ttlMs uint32) int64

//go:wasmimport cardea:policy/counters@0.1.0 get
func countersGet(key string) int64

//go:wasmimport cardea:policy/counters@0.1.0 take
func countersTake(key string, cost uint32, limit uint32, windowMs uint32, into unsafe.Pointer)
