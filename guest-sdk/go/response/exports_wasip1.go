package response

import (
	"unsafe"

	"cardea.dev/policy"
	"cardea.dev/policy/internal/abi"
	"cardea.dev/policy/internal/instance"
)

//go:wasmexport cardea:policy/on-response@0.1.0#handle
func export(carry, carryLen uint32) unsafe.Pointer {
	given := abi.Slice{Address: carry, Len: carryLen}.String()
	abi.Landed()
	defer instance.Watch()
	return instance.Policy.(Phase).OnResponse(policy.Request{}, Response{}, given).made.Layout()
}

func init() {
	instance.Export(instance.Phase{
		Package: "cardea.dev/policy/response",
		Method:  "OnResponse(policy.Request, response.Response, string) response.Outcome",
		Fits:    func(policy any) bool { _, ok := policy.(Phase); return ok },
	})
}
