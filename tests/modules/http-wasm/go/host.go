package main

import "unsafe"

// The functions of the http-wasm handler ABI that the handler calls. What they tell they write into a buffer of the guest's,
// whole or not at all, and answer with its length.

//go:wasmimport http_handler enable_features
func enableFeatures(features uint32) uint32

//go:wasmimport http_handler get_config
func getConfig(into unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler log
func hostLog(level int32, message string)

//go:wasmimport http_handler get_uri
func getURI(into unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler set_uri
func setURI(uri string)

//go:wasmimport http_handler get_header_values
func getHeaderValues(kind uint32, name string, into unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler set_header_value
func setHeader(kind uint32, name, value string)

//go:wasmimport http_handler read_body
func readBody(kind uint32, into unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler write_body
func writeBody(kind uint32, body string)

//go:wasmimport http_handler set_status_code
func setStatus(status uint32)

//go:wasmimport http_handler get_status_code
func getStatus() uint32

const (
	request  = 0
	response = 1

	bufferRequest = 1
)

var room [4096]byte

func config() string {
	return string(room[:getConfig(unsafe.Pointer(&room), uint32(len(room)))])
}

func uri() string {
	return string(room[:min(int(getURI(unsafe.Pointer(&room), uint32(len(room)))), len(room))])
}

// header is the first value; the values come with a zero behind each.
func header(kind uint32, name string) string {
	answer := getHeaderValues(kind, name, unsafe.Pointer(&room), uint32(len(room)))
	if count, length := answer>>32, uint32(answer); count == 0 || int(length) > len(room) {
		return ""
	}
	for i := range room {
		if room[i] == 0 {
			return string(room[:i])
		}
	}
	return ""
}

func body(kind uint32) string {
	var whole []byte
	for {
		answer := readBody(kind, unsafe.Pointer(&room), uint32(len(room)))
		whole = append(whole, room[:uint32(answer)]...)
		if answer>>32 == 1 {
			return string(whole)
		}
	}
}
