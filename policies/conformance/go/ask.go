package main

import (
	"strconv"
	"strings"

	"cardea.dev/policy"
	"cardea.dev/policy/response"
)

func (c *conformance) ask(path string, request policy.Request) (policy.Outcome, bool) {
	question, ok := strings.CutPrefix(path, "/ask/")
	if !ok {
		return policy.Next(), false
	}
	switch question {
	case "method":
		return text(request.Method()), true
	case "scheme":
		return text(request.Scheme()), true
	case "authority":
		return text(request.Authority()), true
	case "path":
		return text(path), true
	case "raw-path":
		return text(request.RawPath()), true
	case "client":
		return text(request.Client()), true
	case "query":
		return maybe(request.Query()), true
	case "response":
		return text(seen(response.Response{})), true
	}
	return askByName(question, request)
}

func askByName(question string, request policy.Request) (policy.Outcome, bool) {
	switch question {
	case "query-param":
		return maybe(request.QueryParam(parameter(request, "name"))), true
	case "header":
		return maybe(request.Header(parameter(request, "name"))), true
	case "header-values":
		return text(bracketed(request.HeaderValues(parameter(request, "name")))), true
	case "header-names":
		return text(strings.Join(request.HeaderNames(), ",")), true
	case "headers":
		return text(lines(request.Headers())), true
	case "cookie":
		return maybe(request.Cookie(parameter(request, "name"))), true
	case "attribute":
		return maybe(request.Attribute(parameter(request, "name"))), true
	}
	return policy.Next(), false
}

func bracketed(values []string) string {
	var all strings.Builder
	for _, value := range values {
		all.WriteString("[" + value + "]")
	}
	return all.String()
}

func lines(headers []policy.Header) string {
	var all strings.Builder
	for _, header := range headers {
		all.WriteString(header.Name + "=" + header.Value + "\n")
	}
	return all.String()
}

// seen is the head of the response, as far as there is one.
func seen(head response.Response) string {
	kind, ok := head.Header("content-type")
	if !ok {
		kind = "absent"
	}
	return strconv.Itoa(head.Status()) + " " + kind + " " + strconv.Itoa(len(head.Headers()))
}
