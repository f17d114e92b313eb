package body

import (
	"unsafe"

	"cardea.dev/policy"
	"cardea.dev/policy/internal/abi"
	"cardea.dev/policy/internal/instance"
)

//go:wasmexport cardea:policy/on-request-body@0.1.0#handle
func export(body, bodyLen, complete, carry, carryLen uint32) unsafe.Pointer {
	given := Body{
		Data:     abi.Slice{Address: body, Len: bodyLen}.String(),
		Complete: complete != 0,
		Carry:    abi.Slice{Address: carry, Len: carryLen}.String(),
	}
	abi.Landed()
	defer instance.Watch()
	return instance.Policy.(Phase).OnRequestBody(policy.Request{}, given).Made().Layout()
}

func init() {
	instance.Export(instance.Phase{
		Package: "cardea.dev/policy/body",
		Method:  "OnRequestBody(policy.Request, body.Body) policy.Outcome",
		Fits:    func(policy any) bool { _, ok := policy.(Phase); return ok },
	})
}
