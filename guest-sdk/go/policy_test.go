package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cardea.dev/policy"
	"cardea.dev/policy/body"
	"cardea.dev/policy/clock"
	"cardea.dev/policy/complete"
	"cardea.dev/policy/counters"
	"cardea.dev/policy/kv"
	"cardea.dev/policy/log"
	"cardea.dev/policy/metrics"
	"cardea.dev/policy/policytest"
	"cardea.dev/policy/random"
	"cardea.dev/policy/response"
)

type config struct {
	Header string        `json:"header"`
	Window time.Duration `json:"window"`
}

func (c *config) Defaults() { c.Window = time.Second }

type guard struct {
	config
	calls metrics.Counter
}

func start(c config) (*guard, error) {
	if c.Header == "" {
		return nil, errors.New("config.header: name it")
	}
	return &guard{c, metrics.NewCounter("calls")}, nil
}

func (g *guard) OnRequest(request policy.Request) policy.Outcome {
	g.calls.Add(1)
	if !counters.Take(request.Client(), 1, 2, g.Window).Allowed {
		return policy.Deny(429, "too-many").RetryAfter(1000)
	}
	if _, ok := request.Header(g.Header); ok {
		log.Info("chosen")
		return policy.Route("beta").Carry("c").FollowComplete()
	}
	if request.PathUnder("/body") {
		return policy.WantBody(16, true)
	}
	return policy.Next()
}

func (g *guard) OnRequestBody(_ policy.Request, given body.Body) policy.Outcome {
	return policy.Respond(200, given.Data)
}

func (g *guard) OnResponse(_ policy.Request, head response.Response, carry string) response.Outcome {
	if kind, _ := head.Header("Content-Type"); head.Status() == 500 && kind == "text/html" {
		return response.Replace(503, carry).WithHeader("retry-after", "1")
	}
	return response.Keep()
}

func (g *guard) OnComplete(_ policy.Request, summary complete.Summary, carry string) {
	_, _ = kv.Set("last", carry, summary.Duration)
}

func TestADoubleAnswersAsTheIngressDoes(t *testing.T) {
	running := policytest.Start(t, start, `{"header": "x-beta", "window": "10s"}`)
	exchange := policytest.Get("/cart?a=b+c&x=%41")
	policytest.Equal(t, running.Request(exchange), policy.Next())
	policytest.Equal(t, running.Request(exchange.Header("X-Beta", "")), policy.Route("beta").Carry("c").FollowComplete())
	if reads := policytest.Reads(); !slices.Equal(reads, []string{"client", "header:x-beta"}) {
		t.Error(reads)
	}
	policytest.Equal(t, running.Request(exchange), policy.Deny(429, "too-many").RetryAfter(1000))
	policytest.Advance(10 * time.Second)
	policytest.Equal(t, running.Request(policytest.New("POST", "/body/x")), policy.WantBody(16, true))
	if calls, ok := policytest.Metric("calls"); calls != 4 || !ok {
		t.Error(calls)
	}
	if lines := policytest.LogLines(); !slices.Equal(lines, []string{"info: chosen"}) {
		t.Error(lines)
	}
}

func TestLaterPhasesAreAsked(t *testing.T) {
	running := policytest.Start(t, start, `{"header": "x-beta"}`)
	policytest.Equal(t, running.RequestBody(policytest.Get("/"), body.Body{Data: "abc"}), policy.Respond(200, "abc"))
	failed := policytest.Get("/").Answered(500).ResponseHeader("content-type", "text/html")
	policytest.Equal(t, running.Response(failed, "later"), response.Replace(503, "later").WithHeader("retry-after", "1"))
	policytest.Equal(t, running.Response(policytest.Get("/").Answered(200), ""), response.Keep())
	running.Complete(policytest.Get("/"), complete.Summary{Duration: time.Second}, "carried")
	if value, version, ok := kv.Get("last"); value != "carried" || version != 1 || !ok {
		t.Error(value, version, ok)
	}
	policytest.Advance(time.Second)
	if _, _, ok := kv.Get("last"); ok {
		t.Error("outlived its time")
	}
}

func TestARefusedConfigIsTold(t *testing.T) {
	for given, told := range map[string]string{
		"null":                            "config.header: name it",
		`{"header": "x", "window": 5}`:    "config.window",
		`{"header": "x", "widnow": "5s"}`: "config.widnow",
	} {
		if _, err := policytest.Try(t, start, given); err == nil || !strings.Contains(err.Error(), told) {
			t.Errorf("%v, not %s", err, told)
		}
	}
}

func TestTimeAndChanceAreGiven(t *testing.T) {
	policytest.Start(t, start, `{"header": "x"}`)
	policytest.Draw(0.25)
	if draw := random.Fraction(); draw != 0.25 {
		t.Error(draw)
	}
	policytest.SetNow(time.UnixMilli(1500))
	if now := clock.NowMs(); now != 1500 {
		t.Error(now)
	}
	if _, err := kv.CompareAndSet("k", 7, "v", 0); err != kv.Conflict {
		t.Error(err)
	}
}

func TestOutcomesThatWereMadeFromOneShareNothing(t *testing.T) {
	base := policy.Next().SetHeader("a", "1").SetHeader("b", "2").SetHeader("c", "3")
	one, other := base.SetHeader("d", "one"), base.SetHeader("d", "other")
	policytest.Equal(t, one, policy.Next().SetHeader("a", "1").SetHeader("b", "2").SetHeader("c", "3").SetHeader("d", "one"))
	policytest.Equal(t, other.Made().Edits[3].Value, "other")
}

func TestAPrefixCoversWholeElements(t *testing.T) {
	for _, known := range []struct {
		path, prefix string
		under        bool
	}{
		{"/admin", "/admin", true}, {"/admin/x", "/admin/", true}, {"/admin", "/admin/", true},
		{"/administer", "/admin", false}, {"/x", "/", true}, {"/a", "/a/b", false},
	} {
		if policy.Under(known.path, known.prefix) != known.under {
			t.Errorf("%s under %s", known.path, known.prefix)
		}
	}
}
