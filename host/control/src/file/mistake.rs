//! What a parser's error says to the author: the field, the line, what is the matter, what to do.

/// One error of a parser, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// `spec.rules[0].http`, or empty where the text as a whole is wrong.
    pub field: String,
    /// From 1, within the text that was parsed.
    pub line: Option<usize>,
    pub message: String,
    pub remedy: &'static str,
}

impl Mistake {
    pub(crate) fn whole(message: impl Into<String>, remedy: &'static str) -> Self {
        Self { field: String::new(), line: None, message: message.into(), remedy }
    }

    /// From the YAML parser, whose text is `path: message at line L column C`.
    pub(crate) fn from_yaml(error: &serde_yaml::Error) -> Self {
        let line = error.location().map(|location| location.line());
        let text = error.to_string();
        let text = match text.rfind(" at line ") {
            Some(at) => text.get(..at).unwrap_or(&text),
            None => &text,
        };
        let (path, message) = split_path(text);
        Self { field: field(path, message), line, message: redact(message), remedy: remedy(message) }
    }

    /// From the JSON parser, for text that is not JSON.
    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        let line = Some(error.line()).filter(|line| *line > 0);
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        Self { field: String::new(), line, message: redact(message), remedy: "correct the JSON" }
    }
}

/// Takes `spec.rules[0]: message` apart; a path has no space, which every message has before its first colon.
fn split_path(text: &str) -> (&str, &str) {
    match text.split_once(": ") {
        Some((path, message)) if !path.contains([' ', '`', '"']) => (path, message),
        _ => ("", text),
    }
}

/// The path of the field that the message is about: serde gives the path of the struct that lacks or repels it.
fn field(path: &str, message: &str) -> String {
    let named = ["unknown field `", "missing field `", "duplicate field `"];
    let name = named.iter().find_map(|prefix| message.strip_prefix(prefix)).and_then(|rest| rest.split('`').next());
    match (path, name) {
        (path, None) => path.to_owned(),
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
    }
}

/// Leaves out the text that was found: it may belong to a Secret.
fn redact(message: &str) -> String {
    for found in ["invalid type: string \"", "invalid value: string \"", "invalid type: character `"] {
        let Some(rest) = message.strip_prefix(found) else { continue };
        let expected = rest.rfind(", expected ").and_then(|at| rest.get(at..)).unwrap_or_default();
        return format!("{}{expected}", found.trim_end_matches([' ', '"', '`']));
    }
    message.to_owned()
}

fn remedy(message: &str) -> &'static str {
    let known = [
        ("unknown field", "correct the spelling, or remove the field"),
        ("unknown variant", "use one of the values that are listed"),
        ("missing field", "add the field"),
        ("duplicate", "keep one of them"),
        ("invalid", "give a value of the type that is expected"),
        ("unknown anchor", "define the anchor before the alias"),
    ];
    let matching = known.iter().find(|(prefix, _)| message.starts_with(prefix));
    matching.map_or("correct the YAML", |(_, remedy)| remedy)
}
