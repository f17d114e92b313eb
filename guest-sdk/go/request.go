package policy

import "cardea.dev/policy/internal/host"

// Header is a header field. Its name is in lower case; its value may be any bytes, and need not be UTF-8.
type Header = host.Field

// Request is the request in hand. It holds nothing: every method asks the ingress, which records what was asked, so keep
// an answer that is needed twice.
type Request struct{}

// Method is GET, POST, ...; case matters.
func (Request) Method() string { return host.Method() }

// Scheme is http or https, as the client spoke to the ingress.
func (Request) Scheme() string { return host.Scheme() }

// Authority is the host, and the port if the client gave one; lower case.
func (Request) Authority() string { return host.Authority() }

// Path is normalised and without the query: the bytes that the router matched and the backend gets.
func (Request) Path() string { return host.Path() }

// PathUnder tells whether the path is prefix or lies below it, by whole elements: /admin covers /admin/x, not
// /administer.
func (Request) PathUnder(prefix string) bool { return Under(host.Path(), prefix) }

// RawPath is as received, before normalising.
func (Request) RawPath() string { return host.RawPath() }

// Query is without the question mark; false where there is none.
func (Request) Query() (string, bool) { return host.Query() }

// QueryParam is the first value of a query parameter, percent-decoded.
func (Request) QueryParam(name string) (string, bool) { return host.QueryParam(name) }

// Client is the client's address after trusted proxies, as text: netip.ParseAddr reads it.
func (Request) Client() string { return host.Client() }

// Header is the first value of a header. Absent is not empty.
func (Request) Header(name string) (string, bool) { return host.Header(name) }

// HeaderValues is every value of a header, in order.
func (Request) HeaderValues(name string) []string { return host.HeaderValues(name) }

// HeaderNames are in lower case, each once.
func (Request) HeaderNames() []string { return host.HeaderNames() }

// Headers is all of them. It reads everything, so the decision depends on everything: prefer Header.
func (Request) Headers() []Header { return host.Headers() }

// Cookie is the first value of a cookie.
func (Request) Cookie(name string) (string, bool) { return host.Cookie(name) }

// Attribute is one of route.name, route.namespace, tls.sni, tls.version, http.version, source.address, source.port,
// request.id, backend.name: an open set.
func (Request) Attribute(name string) (string, bool) { return host.Attribute(name) }

// Note is what an earlier policy or phase of this exchange left.
func (Request) Note(key string) (string, bool) { return host.Note(key) }

// SetNote leaves a note to later policies and phases of this exchange: at most 16 of 4 KiB, more are dropped.
func (Request) SetNote(key, value string) { host.SetNote(key, value) }

// Under tells whether path is prefix or lies below it, by whole elements; / covers everything.
func Under(path, prefix string) bool {
	if n := len(prefix); n > 0 && prefix[n-1] == '/' {
		prefix = prefix[:n-1]
	}
	if len(path) < len(prefix) || path[:len(prefix)] != prefix {
		return false
	}
	return len(path) == len(prefix) || path[len(prefix)] == '/'
}
