//! Where one YAML document ends and the next begins, by text alone.
//!
//! YAML 1.2 (9.1.2, c-forbidden) keeps a line that starts with `---` or `...` for this, even inside a scalar, so no
//! parser is needed. That lets one broken document leave its neighbours readable, and threads share one large file.

/// One document of a file that has any content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// From 1, counting documents with content only.
    pub number: u32,
    /// The line of the file that the text starts on, from 0.
    pub line: usize,
    pub text: &'a str,
}

/// Every document with content, in order.
pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut cut = Cut { documents: Vec::new() };
    let (mut start, mut start_line) = (0, 0);
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(marker) = marker(line) {
            cut.push(text.get(start..at).unwrap_or_default(), start_line);
            // What follows `---` on its own line belongs to the document.
            start = at + marker;
            start_line = number;
        }
        at += line.len();
    }
    cut.push(text.get(start..).unwrap_or_default(), start_line);
    cut.documents
}

struct Cut<'a> {
    documents: Vec<Document<'a>>,
}

impl<'a> Cut<'a> {
    fn push(&mut self, text: &'a str, line: usize) {
        if text.lines().all(is_blank) {
            return;
        }
        let number = u32::try_from(self.documents.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.documents.push(Document { number, line, text });
    }
}

/// The length of a document marker at the start of this line.
fn marker(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."))?;
    matches!(rest.as_bytes().first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some(3)
}

/// Nothing, a comment, or a directive (`%YAML 1.2`), which stands before its `---`.
fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#') || line.starts_with('%')
}
