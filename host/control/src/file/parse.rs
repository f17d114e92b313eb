//! Which objects a manifest's text declares, and what is wrong with the rest of it. Pure.
//!
//! Each document stands alone: one that is broken costs its own objects only. What a broken file as a whole may change
//! is not decided here.

use std::sync::Arc;

use super::document::{Parsed, json, yaml};
use super::mistake::Mistake;
use super::parallel;
use super::split::{Document, documents};
use crate::kube::Place;

/// Documents that a thread takes at a time.
const BATCH: usize = 64;

/// Reads one manifest: JSON where `source` ends in `.json`, else YAML of any number of documents.
pub fn parse(source: &str, text: &[u8]) -> Parsed {
    let source = Arc::from(source);
    let text = Text::of(text, is_json(&source));
    let mut parsed = Parsed::default();
    text.jobs().for_each(|job| parsed.append(job.run(&source)));
    parsed
}

/// Reads many manifests on several threads; the answers are in the order of the files.
pub(super) fn parse_all(files: &[(Arc<str>, Vec<u8>)]) -> Vec<Parsed> {
    let texts: Vec<Text<'_>> = files.iter().map(|(source, bytes)| Text::of(bytes, is_json(source))).collect();
    let mut jobs = Vec::new();
    let mut all = Vec::with_capacity(files.len());
    for ((source, _), text) in files.iter().zip(&texts) {
        jobs.extend(text.jobs().map(|job| (all.len(), source, job)));
        all.push(Parsed::default());
    }
    let results = parallel::map(&jobs, |(_, source, job)| job.run(source));
    for ((file, source, _), parsed) in jobs.iter().zip(results) {
        if let Some(of_file) = all.get_mut(*file) {
            of_file.append(parsed.unwrap_or_else(|| lost(source)));
        }
    }
    all
}

fn is_json(source: &str) -> bool {
    source.ends_with(".json")
}

/// A file, split so that threads can share it.
enum Text<'a> {
    Yaml(Vec<Document<'a>>),
    Json(&'a str),
    /// With the line, from 1, of the first byte that is not UTF-8.
    Unreadable(usize),
}

impl<'a> Text<'a> {
    fn of(bytes: &'a [u8], is_json: bool) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if is_json => Self::Json(text),
            Ok(text) => Self::Yaml(documents(text)),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                Self::Unreadable(1 + good.iter().filter(|byte| **byte == b'\n').count())
            }
        }
    }

    fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let (documents, whole) = match self {
            Self::Yaml(documents) => (documents.as_slice(), None),
            Self::Json(text) => (Default::default(), Some(Job::Json(text))),
            Self::Unreadable(line) => (Default::default(), Some(Job::Unreadable(*line))),
        };
        documents.chunks(BATCH).map(Job::Yaml).chain(whole)
    }
}

/// What a thread does at a time.
enum Job<'a> {
    Yaml(&'a [Document<'a>]),
    Json(&'a str),
    Unreadable(usize),
}

impl Job<'_> {
    fn run(&self, source: &Arc<str>) -> Parsed {
        match self {
            Self::Yaml(documents) => {
                let mut parsed = Parsed::default();
                documents.iter().for_each(|document| parsed.append(yaml(&place(source, document.number), document)));
                parsed
            }
            Self::Json(text) => json_values(source, text),
            Self::Unreadable(line) => {
                let mistake = Mistake::whole("is not UTF-8 text", "save the file as UTF-8");
                let mistake = Mistake { line: Some(*line), ..mistake };
                Parsed::mistake(&place(source, 1).unidentified(), mistake, 0)
            }
        }
    }
}

/// Reads a JSON file: one value, or several one after the other.
fn json_values(source: &Arc<str>, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for (document, value) in (1..).zip(serde_json::Deserializer::from_str(text).into_iter()) {
        let place = place(source, document);
        parsed.append(match value {
            Ok(value) => json(&place, &value),
            Err(error) => Parsed::mistake(&place.unidentified(), Mistake::from_json(&error), 0),
        });
    }
    parsed
}

/// The parser itself failed, which is our mistake; the author can only avoid the text.
fn lost(source: &Arc<str>) -> Parsed {
    let mistake = Mistake::whole("made the parser fail", "report this file as a bug of Cardea");
    Parsed::mistake(&place(source, 1).unidentified(), mistake, 0)
}

fn place(source: &Arc<str>, document: u32) -> Place {
    Place { source: Arc::clone(source), document }
}
