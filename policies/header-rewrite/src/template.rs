//! Header values with variables: `v1 ${client}`, `${header:x-tenant|none}`; `$$` is a dollar sign.

use cardea_policy_sdk::{Request, Response};

#[derive(Debug, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Variable { variable: Variable, default: Option<String> },
}

#[derive(Debug, PartialEq)]
enum Variable {
    Method,
    Scheme,
    Host,
    Path,
    Query,
    Client,
    Header(String),
    Cookie(String),
    QueryParam(String),
    Attribute(String),
    Status,
    ResponseHeader(String),
}

/// What variables may be asked of.
#[derive(Debug)]
pub struct Scope<'a> {
    pub request: &'a Request,
    pub response: Option<&'a Response>,
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut parts, before);
            rest = match after.strip_prefix('$') {
                Some(after) => {
                    push_text(&mut parts, "$");
                    after
                }
                None => parse_variable(&mut parts, after)?,
            };
        }
        push_text(&mut parts, rest);
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("a header value has no control characters".to_string());
        }
        Ok(Template { parts })
    }

    pub fn needs_response(&self) -> bool {
        let of_response = |variable: &Variable| matches!(variable, Variable::Status | Variable::ResponseHeader(_));
        self.parts.iter().any(|part| matches!(part, Part::Variable { variable, .. } if of_response(variable)))
    }

    /// `None` where a variable is absent and has no default.
    pub fn fill(&self, scope: &Scope) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => value.extend_from_slice(text.as_bytes()),
                Part::Variable { variable, default } => match variable.ask(scope) {
                    Some(answer) => push_safe(&mut value, &answer),
                    None => value.extend_from_slice(default.as_ref()?.as_bytes()),
                },
            }
        }
        Some(value)
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_string())),
    }
}

/// Reads `{name}` or `{name|default}`; returns what follows.
fn parse_variable<'a>(parts: &mut Vec<Part>, text: &'a str) -> Result<&'a str, String> {
    let wrong = || "after $ comes {variable}, {variable|default} or another $".to_string();
    let (inner, rest) = text.strip_prefix('{').and_then(|text| text.split_once('}')).ok_or_else(wrong)?;
    let (name, default) = match inner.split_once('|') {
        Some((name, default)) => (name, Some(default.to_string())),
        None => (inner, None),
    };
    parts.push(Part::Variable { variable: Variable::parse(name)?, default });
    Ok(rest)
}

/// A percent-decoded query parameter may hold line breaks, which no header value may: they stay encoded.
fn push_safe(value: &mut Vec<u8>, answer: &[u8]) {
    for &byte in answer {
        if byte.is_ascii_control() && byte != b'\t' {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
            value.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            value.push(byte);
        }
    }
}

impl Variable {
    fn parse(name: &str) -> Result<Variable, String> {
        let variable = match name.split_once(':') {
            None => Variable::plain(name),
            Some((_, "")) => None,
            Some((kind, argument)) => Variable::named(kind, argument),
        };
        variable.ok_or_else(|| {
            format!(
                "unknown variable \"{name}\"; there are method, scheme, host, path, query, client, header:NAME, \
                 cookie:NAME, query:NAME, attribute:NAME, and in responses status, response-header:NAME"
            )
        })
    }

    fn plain(name: &str) -> Option<Variable> {
        Some(match name {
            "method" => Variable::Method,
            "scheme" => Variable::Scheme,
            "host" => Variable::Host,
            "path" => Variable::Path,
            "query" => Variable::Query,
            "client" => Variable::Client,
            "status" => Variable::Status,
            _ => return None,
        })
    }

    fn named(kind: &str, argument: &str) -> Option<Variable> {
        let name = argument.to_string();
        Some(match kind {
            "header" => Variable::Header(name.to_ascii_lowercase()),
            "cookie" => Variable::Cookie(name),
            "query" => Variable::QueryParam(name),
            "attribute" => Variable::Attribute(name),
            "response-header" => Variable::ResponseHeader(name.to_ascii_lowercase()),
            _ => return None,
        })
    }

    fn ask(&self, scope: &Scope) -> Option<Vec<u8>> {
        let request = scope.request;
        match self {
            Variable::Method => Some(request.method().into_bytes()),
            Variable::Scheme => Some(request.scheme().into_bytes()),
            Variable::Host => Some(request.authority().into_bytes()),
            Variable::Path => Some(request.path().into_bytes()),
            Variable::Query => request.query().map(String::into_bytes),
            Variable::Client => Some(request.client().to_string().into_bytes()),
            Variable::Header(name) => request.header(name).map(Vec::from),
            Variable::Cookie(name) => request.cookie(name).map(Vec::from),
            Variable::QueryParam(name) => request.query_param(name).map(String::into_bytes),
            Variable::Attribute(name) => request.attribute(name).map(String::into_bytes),
            Variable::Status => scope.response.map(|response| response.status().to_string().into_bytes()),
            Variable::ResponseHeader(name) => scope.response.and_then(|response| response.header(name)).map(Vec::from),
        }
    }
}
