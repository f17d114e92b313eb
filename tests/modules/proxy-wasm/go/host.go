package main

import "unsafe"

// The host calls of proxy-wasm 0.2.1 that the plugin makes. Each answers with a status, 0 for success; what it returns it puts
// into memory that it asks proxy_on_memory_allocate for.

//go:wasmimport env proxy_log
func proxyLog(level uint32, message string) uint32

//go:wasmimport env proxy_get_header_map_value
func proxyGetHeader(kind uint32, name string, value, length unsafe.Pointer) uint32

//go:wasmimport env proxy_replace_header_map_value
func proxySetHeader(kind uint32, name, value string) uint32

//go:wasmimport env proxy_get_buffer_bytes
func proxyGetBuffer(kind, start, max uint32, value, length unsafe.Pointer) uint32

//go:wasmimport env proxy_set_buffer_bytes
func proxySetBuffer(kind, start, size uint32, value string) uint32

//go:wasmimport env proxy_send_local_response
func proxyReply(status uint32, detail, body, headers string, grpc int32) uint32

//go:wasmimport env proxy_get_shared_data
func proxyGetShared(key string, value, length, cas unsafe.Pointer) uint32

//go:wasmimport env proxy_set_shared_data
func proxySetShared(key, value string, cas uint32) uint32

//go:wasmimport env proxy_define_metric
func proxyDefineMetric(kind uint32, name string, id unsafe.Pointer) uint32

//go:wasmimport env proxy_increment_metric
func proxyIncrementMetric(id uint32, by int64) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func proxySetTick(milliseconds uint32) uint32

//go:wasmimport env proxy_http_call
func proxyCall(upstream, headers, body, trailers string, timeout uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_set_effective_context
func proxySetContext(context uint32) uint32

//go:wasmimport env proxy_continue_stream
func proxyContinue(kind uint32) uint32

const (
	requestHeaders  = 0
	responseHeaders = 2
	answerHeaders   = 6

	requestBody  = 0
	pluginConfig = 7
)

// What the host puts somewhere must be reachable until it has been read.
var allocated []byte

//go:wasmexport proxy_on_memory_allocate
func onMemoryAllocate(size uint32) unsafe.Pointer {
	allocated = make([]byte, max(size, 1))
	return unsafe.Pointer(&allocated[0])
}

// taken is the answer of a call, that was put into the last memory allocated.
func taken(status uint32, length uint32) (string, bool) {
	if status != 0 {
		return "", false
	}
	return string(allocated[:length]), true
}

var address, length, cas uint32

func header(kind uint32, name string) (string, bool) {
	return taken(proxyGetHeader(kind, name, unsafe.Pointer(&address), unsafe.Pointer(&length)), length)
}

func buffer(kind, max uint32) (string, bool) {
	length = 0
	return taken(proxyGetBuffer(kind, 0, max, unsafe.Pointer(&address), unsafe.Pointer(&length)), length)
}

func shared(key string) (string, bool) {
	return taken(proxyGetShared(key, unsafe.Pointer(&address), unsafe.Pointer(&length), unsafe.Pointer(&cas)), length)
}

// pairs is the wire format of header maps: a count, the lengths, then names and values with a zero behind each.
func pairs(of ...[2]string) string {
	wire := word(nil, len(of))
	for _, pair := range of {
		wire = word(word(wire, len(pair[0])), len(pair[1]))
	}
	for _, pair := range of {
		wire = append(append(append(append(wire, pair[0]...), 0), pair[1]...), 0)
	}
	return string(wire)
}

func word(wire []byte, number int) []byte {
	return append(wire, byte(number), byte(number>>8), byte(number>>16), byte(number>>24))
}
