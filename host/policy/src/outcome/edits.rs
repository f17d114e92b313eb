//! Edits, checked against the header rules and grants, and how they apply.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::bindings::Edit;
use crate::exchange::{Beside, Exchange};
use crate::failure::Failure;
use crate::fields;

/// Of one outcome, `edits` and `response-edits` apart.
const EDITS_MAX: usize = 64;
/// Names and values of one list of edits together.
const EDIT_BYTES_MAX: usize = 64 << 10;
const PATH_BYTES_MAX: usize = 8 << 10;
/// Fields that a head may have after edits; far under what a header map can hold.
const FIELDS_MAX: usize = 1024;

#[derive(Debug, Clone)]
enum HeaderEdit {
    Set(HeaderName, HeaderValue),
    Append(HeaderName, HeaderValue),
    Remove(HeaderName),
}

/// Edits of a head's fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderEdits(Vec<HeaderEdit>);

/// Edits of a request.
#[derive(Debug, Default)]
pub(crate) struct RequestEdits {
    headers: HeaderEdits,
    uri: Option<Box<Uri>>,
    authority: Option<HeaderValue>,
}

/// Who may write what: identity headers of a request need a grant each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side<'a> {
    Request { granted: &'a [String] },
    Response,
}

impl HeaderEdits {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Checks the edits of a response: only fields can change.
    pub fn of_response(edits: Vec<Edit>) -> Result<Self, Failure> {
        bounded(&edits)?;
        let mut checked = Self(Vec::with_capacity(edits.len()));
        for edit in edits {
            if let Some(other) = checked.push(edit, Side::Response)? {
                return Err(invalid(format!("`{}` is not an edit of a response", kind(&other))));
            }
        }
        Ok(checked)
    }

    /// Takes an edit of a field; gives back any other.
    fn push(&mut self, edit: Edit, side: Side<'_>) -> Result<Option<Edit>, Failure> {
        self.0.push(match edit {
            Edit::Set(field) => HeaderEdit::Set(name(&field.name, side)?, value(&field.name, field.value)?),
            Edit::Append(field) => HeaderEdit::Append(name(&field.name, side)?, value(&field.name, field.value)?),
            Edit::Remove(text) => HeaderEdit::Remove(name(&text, side)?),
            other => return Ok(Some(other)),
        });
        Ok(None)
    }

    /// Whether `headers` would stay within bounds.
    pub fn fit(&self, headers: &HeaderMap) -> Result<(), Failure> {
        if headers.len() + self.0.len() > FIELDS_MAX {
            return Err(Failure::OutcomeTooLarge("more than 1024 header fields"));
        }
        Ok(())
    }

    fn touch(&self, beside: &Beside) -> bool {
        self.0.iter().any(|edit| {
            let (HeaderEdit::Set(name, _) | HeaderEdit::Append(name, _) | HeaderEdit::Remove(name)) = edit;
            beside.get(name).is_some()
        })
    }

    pub fn apply(self, headers: &mut HeaderMap) {
        for edit in self.0 {
            // Cannot fail: `fit` keeps the map far from its own bound.
            let _ = match edit {
                HeaderEdit::Set(name, value) => headers.try_insert(name, value).map(|_| ()),
                HeaderEdit::Append(name, value) => headers.try_append(name, value).map(|_| ()),
                HeaderEdit::Remove(name) => {
                    headers.remove(name);
                    Ok(())
                }
            };
        }
    }
}

impl RequestEdits {
    pub fn new(edits: Vec<Edit>, exchange: &Exchange, granted: &[String]) -> Result<Self, Failure> {
        let mut checked = Self::default();
        if edits.is_empty() {
            return Ok(checked);
        }
        bounded(&edits)?;
        checked.headers.0.reserve_exact(edits.len());
        let mut target = RequestTarget::default();
        for edit in edits {
            match checked.headers.push(edit, Side::Request { granted })? {
                Some(Edit::SetPath(text)) => target.path = Some(path(&text)?),
                Some(Edit::SetQuery(text)) => target.query = Some(query(text)?),
                Some(Edit::SetAuthority(text)) => checked.authority = Some(authority(&text)?),
                _ => {}
            }
        }
        checked.headers.fit(&exchange.request.headers)?;
        checked.uri = target.join(&exchange.request.uri)?.map(Box::new);
        Ok(checked)
    }

    pub fn apply(self, exchange: &mut Exchange) {
        if self.headers.touch(&exchange.beside) {
            exchange.beside.settle(&mut exchange.request.headers);
        }
        self.headers.apply(&mut exchange.request.headers);
        if let Some(uri) = self.uri {
            exchange.request.uri = *uri;
        }
        if let Some(authority) = self.authority {
            exchange.authority = authority;
        }
    }
}

/// A new path, a new query, or both.
#[derive(Default)]
struct RequestTarget {
    path: Option<String>,
    query: Option<Option<String>>,
}

impl RequestTarget {
    fn join(self, old: &Uri) -> Result<Option<Uri>, Failure> {
        if self.path.is_none() && self.query.is_none() {
            return Ok(None);
        }
        let path = self.path.as_deref().unwrap_or(old.path());
        let query = match &self.query {
            Some(query) => query.as_deref(),
            None => old.query(),
        };
        let text = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let joined = PathAndQuery::try_from(text).map_err(|_| invalid("the new path and query are not a target"))?;
        Ok(Some(Uri::from(joined)))
    }
}

fn bounded(edits: &[Edit]) -> Result<(), Failure> {
    if edits.len() > EDITS_MAX {
        return Err(Failure::OutcomeTooLarge("more than 64 edits"));
    }
    let bytes: usize = edits.iter().map(size).sum();
    if bytes > EDIT_BYTES_MAX {
        return Err(Failure::OutcomeTooLarge("more than 64 KiB of edits"));
    }
    Ok(())
}

fn size(edit: &Edit) -> usize {
    match edit {
        Edit::Set(field) | Edit::Append(field) => field.name.len() + field.value.len(),
        Edit::Remove(text) | Edit::SetPath(text) | Edit::SetAuthority(text) => text.len(),
        Edit::SetQuery(text) => text.as_ref().map_or(0, String::len),
    }
}

fn kind(edit: &Edit) -> &'static str {
    match edit {
        Edit::Set(_) => "set",
        Edit::Append(_) => "append",
        Edit::Remove(_) => "remove",
        Edit::SetPath(_) => "set-path",
        Edit::SetQuery(_) => "set-query",
        Edit::SetAuthority(_) => "set-authority",
    }
}

pub(crate) fn name(text: &str, side: Side<'_>) -> Result<HeaderName, Failure> {
    let name = fields::name(text).map_err(|error| invalid(format!("{error}: {text:?}")))?;
    if fields::is_host_owned(&name) {
        return Err(invalid(format!("the header `{name}` belongs to the host")));
    }
    match side {
        Side::Request { granted }
            if fields::is_identity(&name) && !granted.iter().any(|known| name == *known.as_str()) =>
        {
            Err(invalid(format!("the header `{name}` needs a grant (spec.grants.headers)")))
        }
        _ => Ok(name),
    }
}

pub(crate) fn value(name: &str, bytes: Vec<u8>) -> Result<HeaderValue, Failure> {
    fields::value(bytes).map_err(|error| invalid(format!("{error}: {name:?}")))
}

/// A path with its query or without one, which also takes the place of an empty URI.
pub(crate) fn uri(text: &str) -> Result<Uri, Failure> {
    let (before, after) = match text.split_once('?') {
        Some((before, after)) => (before, Some(after.to_owned())),
        None => (text, None),
    };
    let before = if before.is_empty() { "/" } else { before };
    let target = RequestTarget { path: Some(path(before)?), query: Some(query(after)?) };
    target.join(&Uri::default()).map(Option::unwrap_or_default)
}

fn path(text: &str) -> Result<String, Failure> {
    if text.len() > PATH_BYTES_MAX {
        return Err(Failure::OutcomeTooLarge("a path of more than 8 KiB"));
    }
    let normal = cardea_model::path::normalize(text);
    Ok(normal.map_err(|error| invalid(format!("the path {text:?}: {error:?}")))?.into_owned())
}

fn query(text: Option<String>) -> Result<Option<String>, Failure> {
    if let Some(text) = &text {
        fields::query(text).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(text)
}

pub(crate) fn authority(text: &str) -> Result<HeaderValue, Failure> {
    let checked = fields::authority(text).map_err(|error| invalid(format!("{error}: {text:?}")))?;
    HeaderValue::from_str(&checked).map_err(|_| invalid(format!("the authority {text:?}")))
}

/// Bounded, because the text goes into logs.
pub(crate) fn invalid(text: impl Into<String>) -> Failure {
    let mut text = text.into();
    text.truncate(text.floor_char_boundary(300));
    Failure::OutcomeInvalid(text)
}
