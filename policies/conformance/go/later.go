package main

import (
	"strconv"
	"strings"

	"cardea.dev/policy"
	"cardea.dev/policy/body"
	"cardea.dev/policy/complete"
	"cardea.dev/policy/kv"
	"cardea.dev/policy/response"
)

// The later phases, by the first byte of what the request phase carried over.

func (c *conformance) OnRequestBody(request policy.Request, body body.Body) policy.Outcome {
	length := strconv.Itoa(len(body.Data))
	switch body.Carry[:1] {
	case "b":
		whole := "cut"
		if body.Complete {
			whole = "complete"
		}
		return text(length + " " + whole + " " + toHex(body.Carry) + "\n" + body.Data)
	case "f":
		return policy.Next().SetHeader("x-length", length).Label("phase", "body").FollowResponse().Carry("q")
	case "h":
		value, ok := request.Header("x-bytes")
		return maybe(toHex(value), ok)
	}
	return policy.Next()
}

func (c *conformance) OnResponse(request policy.Request, head response.Response, carry string) response.Outcome {
	switch carry[:1] {
	case "k":
		return response.Keep().SetHeader("x-carry", toHex(carry)).AppendHeader("x-append", "b").RemoveHeader("x-remove")
	case "r":
		return response.Replace(203, seen(head)).WithHeader("x-replaced", "yes").SetHeader("x-edited", "yes")
	case "q":
		return response.Keep().SetHeader("x-seen", seen(head))
	case "n":
		note, ok := request.Note("seen")
		if !ok {
			note = "absent"
		}
		return response.Keep().SetHeader("x-note", note)
	case "c":
		return response.Keep().SetHeader("x-both", "yes").Carry(carry + "-later")
	}
	return response.Keep()
}

func (c *conformance) OnComplete(_ policy.Request, summary complete.Summary, carry string) {
	key, ok := strings.CutPrefix(carry, "c")
	if !ok {
		return
	}
	timed := "untimed"
	if summary.Duration >= summary.Upstream {
		timed = "timed"
	}
	told := []string{
		strconv.Itoa(summary.Status), orNone(summary.Backend), orNone(summary.Error), strconv.Itoa(summary.Retries),
		strconv.FormatUint(summary.BytesIn, 10), strconv.FormatUint(summary.BytesOut, 10), timed,
	}
	// A value that finds no room is one that the next request does not find.
	_, _ = kv.Set(key, strings.Join(told, " "), 0)
}

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return name
}
