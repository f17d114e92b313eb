package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Name   string `json:"name"`
	Weight uint8  `json:"weight"`
}

type Shared struct {
	Mark string `json:"mark"`
}

type whole struct {
	Shared
	Text   string         `json:"text"`
	Yes    bool           `json:"yes,omitempty"`
	Signed int            `json:"signed"`
	Share  float64        `json:"share"`
	Rules  []inner        `json:"rules"`
	By     map[string]int `json:"by"`
	Maybe  *inner         `json:"maybe"`
	Ttl    time.Duration  `json:"ttl"`
	Range  netip.Prefix   `json:"range"`
	Any    any            `json:"any"`
	Plain  string
	hidden string
}

func (w *whole) Defaults() { w.Signed, w.Mark = 7, "none" }

func TestEveryKindOfFieldIsRead(t *testing.T) {
	var got whole
	err := Read(`{ "text": "a\"\\\u00e9\ud83d\ude00\n", "yes": true, "share": 2.5e1, "rules": [{"name": "a", "weight": 255}, {}],
		"by": {"x": -1}, "maybe": {"name": "m"}, "ttl": "5m", "range": "10.0.0.0/8", "any": [null, {"k": 1}], "Plain": "p" }`, &got)
	want := whole{
		Shared: Shared{"none"}, Text: "a\"\\é😀\n", Yes: true, Signed: 7, Share: 25,
		Rules: []inner{{"a", 255}, {}}, By: map[string]int{"x": -1}, Maybe: &inner{Name: "m"}, Ttl: 5 * time.Minute,
		Range: netip.MustParsePrefix("10.0.0.0/8"), Any: []any{nil, map[string]any{"k": 1.0}}, Plain: "p",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

func TestAMistakeIsToldWithItsPlace(t *testing.T) {
	for source, told := range map[string]string{
		`{"txt": "x"}`:                     "config.txt: no such field; there are mark, text, yes,",
		`{"text": 7}`:                      "config.text: expected a text, found a number",
		`{"yes": "true"}`:                  "config.yes: expected a boolean, found a text",
		`{"signed": 2.5}`:                  "config.signed: 2.5 does not fit int",
		`{"rules": [{}, {"weight": 256}]}`: "config.rules[1].weight: 256 does not fit uint8",
		`{"rules": {"name": "a"}}`:         "config.rules: expected a list, found a map",
		`{"by": {"x": null}}`:              "config.by.x: expected a number, found null",
		`{"maybe": {"nam": 1}}`:            "config.maybe.nam: no such field",
		`{"ttl": "5"}`:                     "config.ttl: \"5\" is no length of time",
		`{"ttl": "9223372036854775807d"}`:  "no length of time",
		`{"range": "10.0.0.0/33"}`:         "config.range: ",
		`[]`:                               "config: expected a map, found a list",
		`{"hidden": 1}`:                    "config.hidden: no such field",
		`{"text": "a"`:                     "config: this is not JSON",
		`{"text": "a",}`:                   "not JSON",
		`{"signed": 01}`:                   "not JSON",
		`{"signed": 1.}`:                   "not JSON",
		`{"text": "\ud83d"}`:               "not JSON",
		`{"text": "\x"}`:                   "not JSON",
		"{\"text\": \"a\nb\"}":             "not JSON",
		`{} {}`:                            "not JSON",
		strings.Repeat("[", 65) + `]`:      "not JSON",
		``:                                 "not JSON",
		`{"text": "` + string([]byte{0xff}) + `"}`: "not JSON",
	} {
		if err := Read(source, &whole{}); err == nil || !strings.Contains(err.Error(), told) {
			t.Errorf("%s: %v, not %s", source, err, told)
		}
	}
}

func TestNothingIsAsGoodAsAnEmptyMapForAStruct(t *testing.T) {
	var got whole
	if err := Read("null", &got); err != nil || got.Signed != 7 {
		t.Errorf("%v %+v", err, got)
	}
	var none struct{}
	if err := Read(`{"a": 1}`, &none); err == nil || err.Error() != "config.a: no such field; this policy takes none" {
		t.Error(err)
	}
}
