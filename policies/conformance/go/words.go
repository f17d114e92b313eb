package main

import (
	"strconv"
	"strings"

	"cardea.dev/policy"
)

// Words of the specification.

func text(body string) policy.Outcome {
	return policy.Respond(200, body).WithHeader("content-type", "text/plain")
}

func absent() policy.Outcome { return policy.Respond(404, "") }

func maybe(body string, ok bool) policy.Outcome {
	if ok {
		return text(body)
	}
	return absent()
}

func parameter(request policy.Request, name string) string {
	value, _ := request.QueryParam(name)
	return value
}

func number(request policy.Request, name string, otherwise int) int {
	if read, err := strconv.Atoi(parameter(request, name)); err == nil {
		return read
	}
	return otherwise
}

const digits = "0123456789abcdef"

// encoding/hex would bring fmt along, which is a megabyte.
func toHex(bytes string) string {
	var all strings.Builder
	for i := range len(bytes) {
		all.WriteByte(digits[bytes[i]>>4])
		all.WriteByte(digits[bytes[i]&15])
	}
	return all.String()
}

func fromHex(text string) string {
	var bytes []byte
	for i := 0; i+1 < len(text); i += 2 {
		read, _ := strconv.ParseUint(text[i:i+2], 16, 8)
		bytes = append(bytes, byte(read))
	}
	return string(bytes)
}
