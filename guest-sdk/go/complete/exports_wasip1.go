package complete

import (
	"time"

	"cardea.dev/policy"
	"cardea.dev/policy/internal/abi"
	"cardea.dev/policy/internal/instance"
)

//go:wasmexport cardea:policy/on-complete@0.1.0#handle
func export(status uint32, durationUs, upstreamUs, bytesIn, bytesOut uint64, hasBackend, backend, backendLen, retries,
	hasError, label, labelLen, carry, carryLen uint32) {
	summary := Summary{
		Status:   int(status),
		Duration: time.Duration(durationUs) * time.Microsecond,
		Upstream: time.Duration(upstreamUs) * time.Microsecond,
		BytesIn:  bytesIn,
		BytesOut: bytesOut,
		Backend:  optional(hasBackend, backend, backendLen),
		Retries:  int(retries),
		Error:    optional(hasError, label, labelLen),
	}
	given := abi.Slice{Address: carry, Len: carryLen}.String()
	abi.Landed()
	defer instance.Watch()
	instance.Policy.(Phase).OnComplete(policy.Request{}, summary, given)
}

func optional(some, address, length uint32) string {
	if some == 0 {
		return ""
	}
	return abi.Slice{Address: address, Len: length}.String()
}

func init() {
	instance.Export(instance.Phase{
		Package: "cardea.dev/policy/complete",
		Method:  "OnComplete(policy.Request, complete.Summary, string)",
		Fits:    func(policy any) bool { _, ok := policy.(Phase); return ok },
	})
}
