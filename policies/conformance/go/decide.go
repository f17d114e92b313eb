package main

import (
	"strconv"

	"cardea.dev/policy"
)

func (c *conformance) decide(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/config":
		return text(c.Backend + "\n" + strconv.Itoa(c.Limit) + "\n" + c.Mark), true
	case "/note":
		return note(request), true
	case "/decide/next":
		return policy.Next(), true
	case "/decide/backend":
		return policy.Route(parameter(request, "to")), true
	case "/decide/weighted":
		return policy.Weighted(
			policy.WeightedBackend{Backend: c.Backend, Weight: 1},
			policy.WeightedBackend{Backend: "other", Weight: 3},
		), true
	case "/decide/subset":
		return policy.Subset("zone", "eu-1").Subset("node", "n1"), true
	case "/decide/redirect":
		return policy.Redirect(number(request, "status", 302), parameter(request, "location")), true
	case "/decide/respond":
		return respond(request), true
	case "/decide/deny":
		return deny(request), true
	case "/label":
		return policy.Next().Label("group", "testers").Label("who", parameter(request, "who")), true
	}
	return policy.Next(), false
}

func note(request policy.Request) policy.Outcome {
	seen := func() string {
		if value, ok := request.Note("seen"); ok {
			return value
		}
		return "absent"
	}
	before := seen()
	request.SetNote("seen", parameter(request, "value"))
	return policy.Next().Label("before", before).Label("after", seen()).FollowResponse().Carry("n")
}

func respond(request policy.Request) policy.Outcome {
	return policy.Respond(number(request, "status", 200), parameter(request, "body")).
		WithHeader("x-one", "1").WithHeader("x-two", "2").WithHeader("x-one", "3")
}

func deny(request policy.Request) policy.Outcome {
	denial := policy.Deny(number(request, "status", 403), parameter(request, "reason")).WithHeader("x-denied", "yes")
	if retry, ok := request.QueryParam("retry"); ok {
		milliseconds, _ := strconv.ParseUint(retry, 10, 32)
		return denial.RetryAfter(uint32(milliseconds))
	}
	return denial
}

func (c *conformance) edit(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/edit/all":
		return policy.Next().
			SetHeader("x-set", "one").
			AppendHeader("x-append", "a").
			AppendHeader("x-append", "b").
			RemoveHeader("x-remove").
			SetHeader("x-empty", "").
			SetPath("/edited/path").
			SetQuery("a=1&b=2").
			SetAuthority("edited.test:8080"), true
	case "/edit/no-query":
		return policy.Next().RemoveQuery(), true
	case "/edit/response":
		return policy.Next().
			SetResponseHeader("x-set", "one").
			AppendResponseHeader("x-append", "b").
			RemoveResponseHeader("x-remove"), true
	case "/edit/bytes":
		bytes := fromHex(parameter(request, "hex"))
		return policy.WantBody(16, false).
			SetHeader("x-bytes", bytes).SetResponseHeader("x-bytes", bytes).Carry("h"), true
	}
	return policy.Next(), false
}

func (c *conformance) follow(path string, request policy.Request) (policy.Outcome, bool) {
	switch path {
	case "/body":
		deny := parameter(request, "deny") == "1"
		return policy.WantBody(uint32(number(request, "max", 1024)), deny).Carry("b\x00\xff"), true
	case "/body/forward":
		return policy.WantBody(1024, false).SetHeader("x-before", "body").Carry("f"), true
	case "/follow/response":
		return policy.Next().FollowResponse().Carry("k\x00\x80\xff"), true
	case "/follow/replace":
		return policy.Next().FollowResponse().Carry("r"), true
	case "/follow/ask":
		return policy.Next().FollowResponse().Carry("q"), true
	case "/follow/complete":
		return policy.Next().FollowComplete().Carry("c" + parameter(request, "key")), true
	case "/follow/both":
		return policy.Next().FollowResponse().FollowComplete().Carry("c" + parameter(request, "key")), true
	}
	return policy.Next(), false
}
