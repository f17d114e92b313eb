// An http-wasm handler of stock Go, that shows what a host must have for one: it is started by _initialize, asks WASI for the
// time and for random numbers as its runtime starts, and collects garbage in a call.
//
//	any path        x-go: the configuration, and x-seen: the request's x-ask; the answer gets x-go-answer: its status
//	/denied         403 with the body "denied by go"
//	/moved          the backend sees /elsewhere?by=go
//	/upper          the body reaches the backend in upper case
//	/garbage        makes 30 MB of garbage
//	/panic          panics
package main

import (
	"strconv"
	"strings"
)

var garbage [][]byte

func init() { enableFeatures(bufferRequest) }

// The context in the upper half, and 1 in the lower to go on.
//
//go:wasmexport handle_request
func handleRequest() uint64 {
	setHeader(request, "x-go", config())
	setHeader(request, "x-seen", header(request, "x-ask"))
	switch uri() {
	case "/denied":
		setStatus(403)
		setHeader(response, "content-type", "text/plain")
		writeBody(response, "denied by go")
		return 0
	case "/moved":
		setURI("/elsewhere?by=go")
	case "/upper":
		writeBody(request, strings.ToUpper(body(request)))
	case "/garbage":
		for range 30 {
			garbage = [][]byte{make([]byte, 1<<20)}
		}
	case "/panic":
		hostLog(2, "panics, as asked")
		panic("as asked")
	}
	return 7<<32 | 1
}

//go:wasmexport handle_response
func handleResponse(context, isError uint32) {
	if isError == 0 && context == 7 {
		setHeader(response, "x-go-answer", strconv.Itoa(int(getStatus())))
	}
}

func main() {}
