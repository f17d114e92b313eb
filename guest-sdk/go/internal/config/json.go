package config

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The kinds of JSON values.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// What a value is called in an error.
var kindNames = [...]string{"null", "a boolean", "a number", "a text", "a list", "a map"}

// A value is a tree of JSON (RFC 8259). A number stays as written, until it is known what is wanted.
type value struct {
	kind    kind
	yes     bool
	text    string
	members []value
	keys    []string
}

// Deeper nesting is refused, since the parser recurses.
const depthMax = 64

type parser struct {
	text  string
	at    int
	depth int
}

// parse is strict, but for a key that is there twice: the last one counts.
func parse(source string) (value, bool) {
	p := &parser{text: source}
	parsed, ok := p.value()
	p.space()
	return parsed, ok && p.at == len(p.text)
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

func (p *parser) take(token string) bool {
	if len(p.text)-p.at < len(token) || p.text[p.at:p.at+len(token)] != token {
		return false
	}
	p.at += len(token)
	return true
}

func (p *parser) value() (value, bool) {
	p.space()
	switch {
	case p.take("null"):
		return value{}, true
	case p.take("true"):
		return value{kind: boolean, yes: true}, true
	case p.take("false"):
		return value{kind: boolean}, true
	case p.at == len(p.text):
		return value{}, false
	}
	switch p.text[p.at] {
	case '"':
		read, ok := p.quoted()
		return value{kind: text, text: read}, ok
	case '[':
		read := value{kind: list}
		return read, p.members("[", "]", func() bool { return p.member(&read) })
	case '{':
		read := value{kind: object}
		return read, p.members("{", "}", func() bool { return p.key(&read) && p.member(&read) })
	}
	return p.number()
}

func (p *parser) member(of *value) bool {
	member, ok := p.value()
	of.members = append(of.members, member)
	return ok
}

func (p *parser) key(of *value) bool {
	p.space()
	key, ok := p.quoted()
	of.keys = append(of.keys, key)
	p.space()
	return ok && p.take(":")
}

// members reads what a list and a map have in common: members between commas.
func (p *parser) members(open, end string, member func() bool) bool {
	p.take(open)
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > depthMax {
		return false
	}
	p.space()
	if p.take(end) {
		return true
	}
	for member() {
		p.space()
		if p.take(end) {
			return true
		}
		if !p.take(",") {
			return false
		}
	}
	return false
}

// number reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
func (p *parser) number() (value, bool) {
	start := p.at
	p.take("-")
	leading := p.at
	if p.digits() == 0 || (p.text[leading] == '0' && p.at-leading > 1) {
		return value{}, false
	}
	if p.take(".") && p.digits() == 0 {
		return value{}, false
	}
	if p.take("e") || p.take("E") {
		_ = p.take("+") || p.take("-")
		if p.digits() == 0 {
			return value{}, false
		}
	}
	return value{kind: number, text: p.text[start:p.at]}, true
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

func (p *parser) quoted() (string, bool) {
	if !p.take(`"`) {
		return "", false
	}
	var read []byte
	for p.at < len(p.text) {
		next := p.text[p.at]
		p.at++
		switch {
		case next == '"':
			return string(read), utf8.Valid(read)
		case next < 0x20:
			return "", false
		case next != '\\':
			read = append(read, next)
		default:
			var ok bool
			if read, ok = p.escape(read); !ok {
				return "", false
			}
		}
	}
	return "", false
}

func (p *parser) escape(read []byte) ([]byte, bool) {
	if p.at == len(p.text) {
		return nil, false
	}
	letter := p.text[p.at]
	p.at++
	if letter == 'u' {
		return p.unicode(read)
	}
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for i := range len(letters) {
		if letters[i] == letter {
			return append(read, meanings[i]), true
		}
	}
	return nil, false
}

// unicode reads four digits, and four more for a character beyond 16 bits. Half a pair is refused.
func (p *parser) unicode(read []byte) ([]byte, bool) {
	first, ok := p.hex()
	if !ok || !utf16.IsSurrogate(first) {
		return utf8.AppendRune(read, first), ok
	}
	if !p.take(`\u`) {
		return nil, false
	}
	second, ok := p.hex()
	both := utf16.DecodeRune(first, second)
	return utf8.AppendRune(read, both), ok && both != utf8.RuneError
}

func (p *parser) hex() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	read, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	p.at += 4
	return rune(read), err == nil
}
