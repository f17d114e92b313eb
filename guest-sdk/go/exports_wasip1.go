package policy

import (
	"structs"
	"unsafe"

	"cardea.dev/policy/internal/abi"
	"cardea.dev/policy/internal/instance"
)

var started struct {
	_      structs.HostLayout
	failed uint32
	error  abi.Slice
}

var refusal string

//go:wasmexport cardea:policy/lifecycle@0.1.0#init
func exportInit(address, length uint32) unsafe.Pointer {
	config := abi.Slice{Address: address, Len: length}.String()
	abi.Landed()
	defer instance.Watch()
	if err := instance.Run(config); err != nil {
		refusal = err.Error()
		started.failed, started.error = 1, abi.OfString(refusal)
	}
	return unsafe.Pointer(&started)
}

//go:wasmexport cardea:policy/on-request@0.1.0#handle
func exportRequest() unsafe.Pointer {
	defer instance.Watch()
	return instance.Policy.(Policy).OnRequest(Request{}).Made().Layout()
}
