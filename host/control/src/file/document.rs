//! Which objects one document declares: usually one, several if it is a list.

use cardea_model::problem::{Origin, Problem};
use serde::Deserialize;
use serde_json::Value;

use super::bound;
use super::header::{Header, Meaning};
use super::mistake::Mistake;
use super::object::{KINDS, Kind, Object, Outcome};
use super::split::Document;
use crate::kube::{Place, problem};

/// Lists within lists, of which Kubernetes makes none.
const LISTS_MAX: usize = 4;

/// What a text declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    pub objects: Vec<Object>,
    pub problems: Vec<Problem>,
}

impl Parsed {
    pub(super) fn append(&mut self, mut other: Self) {
        self.objects.append(&mut other.objects);
        self.problems.append(&mut other.problems);
    }

    /// Nothing but a mistake; its line counts from line `first` of the file.
    pub(super) fn mistake(origin: &Origin, mistake: Mistake, first: usize) -> Self {
        let message = match mistake.line {
            Some(line) => format!("{} (line {})", mistake.message, first + line),
            None => mistake.message,
        };
        Self { objects: Vec::new(), problems: vec![problem(origin, mistake.field, message, mistake.remedy)] }
    }
}

impl From<Outcome> for Parsed {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(object) => Self { objects: object.into_iter().collect(), problems: Vec::new() },
            Err(problems) => Self { objects: Vec::new(), problems },
        }
    }
}

/// Reads one YAML document: straight into its type where the text names a kind that we read, else step by step.
pub(super) fn yaml(place: &Place, document: &Document<'_>) -> Parsed {
    if let Err(message) = bound::check(document.text) {
        let mistake = Mistake::whole(message, "write it with less nesting and fewer aliases");
        return Parsed::mistake(&place.unidentified(), mistake, document.line);
    }
    if may_merge(document.text) {
        return yaml_with_merges(place, document);
    }
    if let Some(kind) = sniff(document.text)
        && let Ok(outcome) = kind.read(place, serde_yaml::Deserializer::from_str(document.text))
    {
        return outcome.into();
    }
    yaml_by_header(place, document)
}

/// Reads one JSON value: an object, or a List of them.
pub fn json(place: &Place, value: &Value) -> Parsed {
    read_value(place, value, None, 0)
}

/// The kind that the text seems to be. Only a hint: core kinds check `kind` and `apiVersion` again as they are parsed.
fn sniff(text: &str) -> Option<Kind> {
    let top = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let (version, name) = (top("apiVersion:")?, top("kind:")?);
    KINDS.into_iter().find(|kind| kind.name() == name && kind.api_version() == version)
}

fn yaml_by_header(place: &Place, document: &Document<'_>) -> Parsed {
    let wire = || serde_yaml::Deserializer::from_str(document.text);
    let header = match Header::deserialize(wire()) {
        Ok(header) => header,
        Err(error) => return Parsed::mistake(&place.unidentified(), Mistake::from_yaml(&error), document.line),
    };
    let parsed = match header.meaning() {
        Meaning::Ignore => return Parsed::default(),
        Meaning::Wrong(mistake) => return Parsed::mistake(&header.origin(place), mistake, document.line),
        Meaning::Read(kind) => kind.read(place, wire()).map(Parsed::from),
        Meaning::List { item } => Value::deserialize(wire()).map(|list| read_list(place, &list, item, 0)),
    };
    parsed.unwrap_or_else(|error| Parsed::mistake(&header.origin(place), Mistake::from_yaml(&error), document.line))
}

/// Merge keys are no part of YAML 1.2, but kubectl resolves them.
fn may_merge(text: &str) -> bool {
    text.contains("<<") && bound::may_alias(text)
}

fn yaml_with_merges(place: &Place, document: &Document<'_>) -> Parsed {
    let value = serde_yaml::from_str::<serde_yaml::Value>(document.text).and_then(|mut value| {
        value.apply_merge()?;
        serde_yaml::from_value::<Value>(value)
    });
    match value {
        Ok(value) => read_value(place, &value, None, 0),
        Err(error) => Parsed::mistake(&place.unidentified(), Mistake::from_yaml(&error), document.line),
    }
}

fn read_value(place: &Place, value: &Value, item: Option<Kind>, depth: usize) -> Parsed {
    if !value.is_object() {
        let mistake = Mistake::whole("is not an object", "write one Kubernetes object, or a List of them");
        return Parsed::mistake(&place.unidentified(), mistake, 0);
    }
    let header = Header::of_value(value, item);
    match header.meaning() {
        Meaning::Ignore => Parsed::default(),
        Meaning::Wrong(mistake) => Parsed::mistake(&header.origin(place), mistake, 0),
        Meaning::List { item } => read_list(place, value, item, depth),
        Meaning::Read(kind) => match kind.read(place, value) {
            Ok(outcome) => outcome.into(),
            Err(error) => Parsed::mistake(&header.origin(place), locate(kind, place, value, &error), 0),
        },
    }
}

/// A value's error says no field, but the YAML parser's does: ask it about the same value.
fn locate(kind: Kind, place: &Place, value: &Value, error: &serde_json::Error) -> Mistake {
    let text = serde_yaml::to_string(value).unwrap_or_default();
    match kind.read(place, serde_yaml::Deserializer::from_str(&text)) {
        Err(located) => Mistake { line: None, ..Mistake::from_yaml(&located) },
        Ok(_) => Mistake::from_json(error),
    }
}

fn read_list(place: &Place, list: &Value, item: Option<Kind>, depth: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(items) = list.get("items").and_then(Value::as_array).filter(|_| depth < LISTS_MAX) else {
        let mistake =
            Mistake { field: "items".into(), ..Mistake::whole("is not a list of objects", "list the objects") };
        return Parsed::mistake(&place.unidentified(), mistake, 0);
    };
    for (at, value) in items.iter().enumerate() {
        let mut one = read_value(place, value, item, depth + 1);
        for problem in &mut one.problems {
            problem.field = match problem.field.as_str() {
                "" => format!("items[{at}]"),
                field => format!("items[{at}].{field}"),
            };
        }
        parsed.append(one);
    }
    parsed
}
