// A proxy-wasm plugin of stock Go, that shows what a host must have for one: it is started by _initialize, asks WASI while it
// allocates, collects garbage in callbacks, and allocates for the host while a host call is under way.
//
//	any path        x-go: the plugin's configuration; x-calls: how many requests there were, in shared data; the answer gets
//	                x-go-answer: yes; the metric go_requests counts
//	/denied         403 with the body "denied by go", by proxy_send_local_response
//	/upper          the body reaches the backend in upper case, held until it is whole
//	/auth           asks the upstream "auth" first: x-auth: its status
//	/garbage        makes 30 MB of garbage
//	/panic          panics
//
// A tick a second counts in the shared data "ticks".
package main

import (
	"strconv"
	"strings"
	"unsafe"
)

const (
	goOn  = 0
	pause = 1
)

var (
	config   string
	requests uint32
	// Contexts of exchanges that wait for an answer of "auth".
	waiting = map[uint32]uint32{}
	upper   = map[uint32]bool{}
	garbage [][]byte
)

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_context_create
func onContextCreate(context, parent uint32) {}

//go:wasmexport proxy_on_vm_start
func onVMStart(context, size uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func onConfigure(context, size uint32) uint32 {
	config, _ = buffer(pluginConfig, size)
	proxySetTick(1000)
	proxyDefineMetric(0, "go_requests", unsafe.Pointer(&requests))
	return 1
}

//go:wasmexport proxy_on_tick
func onTick(context uint32) { count("ticks") }

// count adds one to a number in shared data, which other workers change too.
func count(key string) string {
	for {
		text, ok := shared(key)
		if !ok {
			cas = 0
		}
		before, _ := strconv.Atoi(text)
		after := strconv.Itoa(before + 1)
		if proxySetShared(key, after, cas) == 0 {
			return after
		}
	}
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(context, headers, end uint32) uint32 {
	path, _ := header(requestHeaders, ":path")
	proxyIncrementMetric(requests, 1)
	proxySetHeader(requestHeaders, "x-go", config)
	proxySetHeader(requestHeaders, "x-calls", count("calls"))
	switch path {
	case "/denied":
		proxyReply(403, "", "denied by go", pairs([2]string{"x-denied", "yes"}), -1)
		return pause
	case "/upper":
		upper[context] = true
	case "/auth":
		return ask(context)
	case "/garbage":
		for range 30 {
			garbage = [][]byte{make([]byte, 1<<20)}
		}
	case "/panic":
		panic("as asked")
	}
	return goOn
}

func ask(context uint32) uint32 {
	var call uint32
	head := pairs([2]string{":method", "GET"}, [2]string{":path", "/check"}, [2]string{":authority", "auth"})
	if status := proxyCall("auth", head, "", pairs(), 1000, unsafe.Pointer(&call)); status != 0 {
		proxyLog(4, "the call was refused with "+strconv.Itoa(int(status)))
		return goOn
	}
	waiting[call] = context
	return pause
}

//go:wasmexport proxy_on_http_call_response
func onAnswer(context, call, headers, body, trailers uint32) {
	status, _ := header(answerHeaders, ":status")
	proxySetContext(waiting[call])
	delete(waiting, call)
	proxySetHeader(requestHeaders, "x-auth", status)
	proxyContinue(0)
}

//go:wasmexport proxy_on_request_body
func onRequestBody(context, size, end uint32) uint32 {
	if !upper[context] {
		return goOn
	}
	if end == 0 {
		return pause
	}
	body, _ := buffer(requestBody, size)
	proxySetBuffer(requestBody, 0, size, strings.ToUpper(body))
	return goOn
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(context, headers, end uint32) uint32 {
	proxySetHeader(responseHeaders, "x-go-answer", "yes")
	return goOn
}

//go:wasmexport proxy_on_done
func onDone(context uint32) uint32 { return 1 }

//go:wasmexport proxy_on_log
func onLog(context uint32) {}

//go:wasmexport proxy_on_delete
func onDelete(context uint32) { delete(upper, context) }

func main() {}
