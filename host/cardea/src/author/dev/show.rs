//! What the author sees: versions that come, decisions with what they were made of, failures with their place.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::builder::Built;
use crate::author::language::Traps;
use crate::author::mistake::Mistake;
use crate::author::print;
use crate::author::project::Project;

/// The access line, as far as it is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Line {
    method: String,
    host: String,
    path: String,
    status: u16,
    duration_us: u64,
    backend: Option<String>,
    policies: Vec<Decision>,
    labels: BTreeMap<String, String>,
    failure: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decision {
    decision: String,
    detail: String,
    us: u64,
    reads: Vec<String>,
    /// What the questions were answered, where the ingress tells.
    values: BTreeMap<String, Option<String>>,
    edits: Vec<String>,
}

/// What the ingress tells its operator.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    event: String,
    listener: String,
    address: String,
    message: String,
    field: String,
    remedy: String,
    severity: String,
    took_ms: u64,
    problems: usize,
}

/// Of frames that are not the author's own, how many are told.
const FRAMES_MAX: usize = 8;

/// What was said already.
#[derive(Debug)]
pub struct Show {
    address: String,
    versions: u32,
    source: Source,
}

/// Whose policy it is that traps.
#[derive(Debug)]
pub struct Source {
    /// The project's, absolute.
    pub folder: String,
    pub traps: Traps,
}

impl Show {
    pub fn of(project: &Project) -> Self {
        let folder = project.folder.canonicalize().unwrap_or_else(|_| project.folder.clone());
        let source = Source { folder: folder.display().to_string(), traps: project.language.traps() };
        Self { address: String::new(), versions: 0, source }
    }

    pub fn built(&mut self, built: &Built) {
        let bytes = print::number(built.bytes.len() as u64);
        print::progress(format!("built {}: {bytes} bytes in {}", built.name, print::duration(built.took)));
    }

    /// A version that does not build, or a manifest that cannot be read.
    pub fn refused(&self, mistake: &Mistake) {
        print::mistake(mistake);
        print::line(self.serves_on());
    }

    fn serves_on(&self) -> &'static str {
        if self.versions == 0 {
            "not live: there is no version yet"
        } else {
            "not live: the last good version serves on"
        }
    }

    pub fn access(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { return };
        text(&line, &self.source).iter().for_each(print::line);
    }

    pub fn event(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            // A panic's words, or a tool's.
            return print::progress(line);
        };
        match event.event.as_str() {
            "listening" if event.listener == "http" => self.address = event.address,
            "generation" if event.problems == 0 => self.live(event.took_ms),
            "problem" => {
                print::line(format!("refused  {}: {}", event.field, event.message));
                print::line(format!("  help: {}", event.remedy));
                print::line(self.serves_on());
            }
            "policy_log" => print::line(format!("log {}  {}", event.severity, plain(&event.message))),
            "failed" => print::line(format!("error: {}", event.message)),
            _ => {}
        }
    }

    fn live(&mut self, took_ms: u64) {
        self.versions += 1;
        print::line(format!("live     version {}, taken in {took_ms} ms", self.versions));
        if self.versions == 1 {
            print::line(format!("try      curl -i http://{}/", self.address));
        }
    }
}

/// The decision in a line, and what it was made of below it.
pub fn text(line: &Line, source: &Source) -> Vec<String> {
    let decisions: Vec<String> = line.policies.iter().map(decision).collect();
    let decided = if decisions.is_empty() { String::from("no policy") } else { decisions.join(", then ") };
    let from = line.backend.as_ref().map_or_else(String::new, |backend| format!(" from {}", short(backend)));
    let took = print::duration(Duration::from_micros(line.duration_us));
    let (method, host, path) = (&line.method, &line.host, line.path.escape_debug());
    let mut out = vec![format!("{method} {host}{path} -> {decided}; {}{from} in {took}", line.status)];
    for decision in &line.policies {
        out.extend(decision.reads.iter().map(|name| read(name, &decision.values)));
        out.extend(decision.edits.iter().map(|edit| format!("    edit   {}", edit.escape_debug())));
    }
    out.extend(line.labels.iter().map(|(name, value)| format!("    label  {name}={}", value.escape_debug())));
    if let Some(failure) = &line.failure {
        out.extend(failed(failure, line.detail.as_deref().unwrap_or_default(), source));
    }
    out
}

fn decision(decision: &Decision) -> String {
    let detail = match decision.detail.as_str() {
        "" => String::new(),
        detail => format!(" {}", detail.escape_debug()),
    };
    format!("{}{detail} ({} us)", decision.decision, decision.us)
}

fn read(name: &str, values: &BTreeMap<String, Option<String>>) -> String {
    match values.get(name) {
        Some(Some(value)) => format!("    read   {name} = {value:?}"),
        Some(None) => format!("    read   {name}, which is absent"),
        None => format!("    read   {name}"),
    }
}

/// A trap is told with its frames, one a line: those of the author's own source, if it is known.
fn failed(failure: &str, detail: &str, source: &Source) -> Vec<String> {
    let (what, frames) = detail.split_once(cardea_policy::BACKTRACE).unwrap_or((detail, ""));
    let mut out = vec![format!("    FAILED {failure}: {}", what.escape_debug())];
    if !frames.is_empty() && source.traps != Traps::Framed {
        out.push(String::from("           what it threw, and where, is in its log, if it imports `log`"));
    }
    if source.traps != Traps::Interpreted {
        out.extend(told_frames(frames, &source.folder));
    }
    out
}

fn told_frames(frames: &str, folder: &str) -> Vec<String> {
    let frames: Vec<&str> = frames.split(cardea_policy::CALLED_BY).filter(|frame| !frame.is_empty()).collect();
    let own: Vec<String> = frames.iter().filter_map(|frame| in_folder(frame, folder)).collect();
    let others = frames.len() - own.len();
    let mut out = Vec::new();
    if own.is_empty() {
        out.extend(frames.iter().take(FRAMES_MAX).map(|frame| format!("           at {}", frame.escape_debug())));
        let more = frames.len().saturating_sub(FRAMES_MAX);
        out.extend((more > 0).then(|| format!("           and {more} more")));
    } else {
        out.extend(own.iter().map(|frame| format!("           at {}", frame.escape_debug())));
        out.extend((others > 0).then(|| format!("           and {others} of libraries")));
    }
    out
}

/// Of a guest's text, what a terminal would take for a command is escaped; quotes are not.
fn plain(text: &str) -> String {
    let is_quote = |letter: char| matches!(letter, '\'' | '"' | '\\');
    let mut out = String::new();
    for letter in text.chars() {
        if is_quote(letter) { out.push(letter) } else { out.extend(letter.escape_debug()) }
    }
    out
}

/// A frame of the author's own source, with the file as seen from the project's folder.
fn in_folder(frame: &str, folder: &str) -> Option<String> {
    let (name, place) = frame.rsplit_once(" (")?;
    let place = match place.strip_prefix(folder) {
        Some(inside) => inside.trim_start_matches('/'),
        // A compiler that is told of relative files.
        None if place.starts_with('/') => return None,
        None => place,
    };
    (!place.starts_with('.')).then(|| format!("{name} ({place}"))
}

/// `default/canary:80` as `canary`: all is of one namespace here.
fn short(backend: &str) -> &str {
    let name = backend.split_once('/').map_or(backend, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}
