package host

import (
	"structs"
	"unsafe"

	"cardea.dev/policy/internal/abi"
)

// The layouts in which the host answers, in one place that no call outlives.

type option struct {
	_    structs.HostLayout
	some uint8
	text abi.Slice
}

type field struct {
	_           structs.HostLayout
	name, value abi.Slice
}

var (
	slice  abi.Slice
	choice option
)

func text(ask func(unsafe.Pointer)) string {
	ask(unsafe.Pointer(&slice))
	answer := slice.String()
	abi.Landed()
	return answer
}

func optional() (string, bool) {
	if choice.some == 0 {
		return "", false
	}
	answer := choice.text.String()
	abi.Landed()
	return answer, true
}

func texts() []string {
	answers := make([]string, 0, slice.Len)
	for _, element := range abi.List[abi.Slice](slice) {
		answers = append(answers, element.String())
	}
	abi.Landed()
	return answers
}

func fields() []Field {
	answers := make([]Field, 0, slice.Len)
	for _, element := range abi.List[field](slice) {
		answers = append(answers, Field{element.name.String(), element.value.String()})
	}
	abi.Landed()
	return answers
}

func Method() string    { return text(exchangeMethod) }
func Scheme() string    { return text(exchangeScheme) }
func Authority() string { return text(exchangeAuthority) }
func Path() string      { return text(exchangePath) }
func RawPath() string   { return text(exchangeRawPath) }
func Client() string    { return text(exchangeClient) }

func Query() (string, bool) {
	exchangeQuery(unsafe.Pointer(&choice))
	return optional()
}

func QueryParam(name string) (string, bool) {
	exchangeQueryParam(name, unsafe.Pointer(&choice))
	return optional()
}

func Header(name string) (string, bool) {
	exchangeHeader(name, unsafe.Pointer(&choice))
	return optional()
}

func HeaderValues(name string) []string {
	exchangeHeaderValues(name, unsafe.Pointer(&slice))
	return texts()
}

func HeaderNames() []string {
	exchangeHeaderNames(unsafe.Pointer(&slice))
	return texts()
}

func Headers() []Field {
	exchangeHeaders(unsafe.Pointer(&slice))
	return fields()
}

func Cookie(name string) (string, bool) {
	exchangeCookie(name, unsafe.Pointer(&choice))
	return optional()
}

func ResponseStatus() int { return int(exchangeResponseStatus()) }

func ResponseHeader(name string) (string, bool) {
	exchangeResponseHeader(name, unsafe.Pointer(&choice))
	return optional()
}

func ResponseHeaders() []Field {
	exchangeResponseHeaders(unsafe.Pointer(&slice))
	return fields()
}

func Attribute(name string) (string, bool) {
	exchangeAttribute(name, unsafe.Pointer(&choice))
	return optional()
}

func SetNote(key, value string) { exchangeSetNote(key, value) }

func Note(key string) (string, bool) {
	exchangeNote(key, unsafe.Pointer(&choice))
	return optional()
}
