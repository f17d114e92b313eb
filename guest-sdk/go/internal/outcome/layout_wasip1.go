package outcome

import (
	"structs"
	"unsafe"

	"cardea.dev/policy/internal/abi"
	"cardea.dev/policy/internal/host"
)

// The records of cardea:policy/types as the host reads them. Variants are a number and the fields of all their cases.

type pairLayout struct {
	_          structs.HostLayout
	key, value abi.Slice
}

type weightedLayout struct {
	_       structs.HostLayout
	backend abi.Slice
	weight  uint32
}

// An edit has a field, a text, or an option of a text whose number takes the place of an address.
type editLayout struct {
	_       structs.HostLayout
	kind    uint8
	payload [4]uint32
}

type decisionLayout struct {
	_       structs.HostLayout
	kind    uint8
	payload [7]uint32
}

type requestLayout struct {
	_             structs.HostLayout
	decision      decisionLayout
	edits         abi.Slice
	responseEdits abi.Slice
	follow        uint8
	carry         abi.Slice
	labels        abi.Slice
}

type responseLayout struct {
	_        structs.HostLayout
	replaces uint8
	reply    [5]uint32
	edits    abi.Slice
	carry    abi.Slice
}

// What the host may still read, until the next outcome is laid out. One instance has one call at a time.
var (
	lent struct {
		request              Request
		response             Response
		headers              []pairLayout
		weighted             []weightedLayout
		subset, labels       []pairLayout
		edits, responseEdits []editLayout
	}
	requestOut  requestLayout
	responseOut responseLayout
)

// Layout keeps the outcome reachable, and returns where the host finds it.
func (r Request) Layout() unsafe.Pointer {
	lent.request = r
	lent.edits = layEdits(lent.edits, r.Edits)
	lent.responseEdits = layEdits(lent.responseEdits, r.ResponseEdits)
	lent.labels = layPairs(lent.labels, r.Labels)
	requestOut = requestLayout{
		edits:         abi.OfList(lent.edits),
		responseEdits: abi.OfList(lent.responseEdits),
		follow:        r.Follow,
		carry:         abi.OfString(r.Carry),
		labels:        abi.OfList(lent.labels),
	}
	requestOut.decision.kind = uint8(r.Decision)
	requestOut.decision.payload = r.payload()
	return unsafe.Pointer(&requestOut)
}

func (r *Request) payload() [7]uint32 {
	switch r.Decision {
	case Route:
		return r.target()
	case Redirect:
		location := abi.OfString(r.Reply.Text)
		return [7]uint32{uint32(r.Reply.Status), location.Address, location.Len}
	case Respond:
		reply := r.Reply.layout()
		return [7]uint32{reply[0], reply[1], reply[2], reply[3], reply[4]}
	case Deny:
		reason, headers := abi.OfString(r.Reply.Text), layHeaders(r.Reply.Headers)
		return [7]uint32{uint32(r.Reply.Status), reason.Address, reason.Len, headers.Address, headers.Len,
			number(r.Reply.HasRetry), r.Reply.RetryAfterMs}
	case WantBody:
		return [7]uint32{r.BodyMax, number(r.DenyOverflow)}
	}
	return [7]uint32{}
}

func (r *Request) target() [7]uint32 {
	switch {
	case r.Subset != nil:
		lent.subset = layPairs(lent.subset, r.Subset)
		labels := abi.OfList(lent.subset)
		return [7]uint32{2, labels.Address, labels.Len}
	case r.Weighted != nil:
		lent.weighted = lent.weighted[:0]
		for i := range r.Weighted {
			one := weightedLayout{backend: abi.OfString(r.Weighted[i].Backend), weight: r.Weighted[i].Weight}
			lent.weighted = append(lent.weighted, one)
		}
		backends := abi.OfList(lent.weighted)
		return [7]uint32{1, backends.Address, backends.Len}
	}
	backend := abi.OfString(r.Backend)
	return [7]uint32{0, backend.Address, backend.Len}
}

// Layout likewise.
func (r Response) Layout() unsafe.Pointer {
	lent.response = r
	lent.edits = layEdits(lent.edits, r.Edits)
	responseOut = responseLayout{edits: abi.OfList(lent.edits), carry: abi.OfString(r.Carry)}
	if r.Replaces {
		responseOut.replaces, responseOut.reply = 1, r.Reply.layout()
	}
	return unsafe.Pointer(&responseOut)
}

// layout is of the record `response`.
func (r *Reply) layout() [5]uint32 {
	headers, body := layHeaders(r.Headers), abi.OfString(r.Text)
	return [5]uint32{uint32(r.Status), headers.Address, headers.Len, body.Address, body.Len}
}

func layHeaders(headers []host.Field) abi.Slice {
	lent.headers = lent.headers[:0]
	for i := range headers {
		one := pairLayout{key: abi.OfString(headers[i].Name), value: abi.OfString(headers[i].Value)}
		lent.headers = append(lent.headers, one)
	}
	return abi.OfList(lent.headers)
}

func layPairs(into []pairLayout, pairs []Pair) []pairLayout {
	into = into[:0]
	for i := range pairs {
		into = append(into, pairLayout{key: abi.OfString(pairs[i].Key), value: abi.OfString(pairs[i].Value)})
	}
	return into
}

func layEdits(into []editLayout, edits []Edit) []editLayout {
	into = into[:0]
	for i := range edits {
		name, value := abi.OfString(edits[i].Name), abi.OfString(edits[i].Value)
		one := editLayout{kind: uint8(edits[i].Kind)}
		if edits[i].Kind == SetQuery {
			one.payload = [4]uint32{number(!edits[i].Absent), name.Address, name.Len}
		} else {
			one.payload = [4]uint32{name.Address, name.Len, value.Address, value.Len}
		}
		into = append(into, one)
	}
	return into
}

func number(yes bool) uint32 {
	if yes {
		return 1
	}
	return 0
}
