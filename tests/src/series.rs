//! Which series the shipped dashboard and alerts use, and whether a page of metrics has them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::guest;

/// What Prometheus adds to whatever it scrapes from a pod.
const SCRAPING: [&str; 2] = ["namespace", "pod"];

/// The families of a page: each with its kind, and the labels of its samples.
#[derive(Debug)]
pub struct Families(BTreeMap<String, Family>);

#[derive(Debug)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
}

impl Families {
    /// Reads a page that `exposition::check` finds good.
    ///
    /// # Errors
    /// When a line cannot be read.
    pub fn of(page: &str) -> Result<Self> {
        let mut families = Self(BTreeMap::new());
        for line in page.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, kind) = family.split_once(' ').context("no type")?;
                families.0.insert(name.to_owned(), Family { kind: kind.to_owned(), labels: BTreeSet::new() });
            } else if let Some((name, labels)) = line.split_once('{') {
                let base = families.base(name).with_context(|| format!("no TYPE for {line}"))?.to_owned();
                let (labels, _) = labels.rsplit_once('}').context("no end of labels")?;
                let names =
                    labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
                families.0.entry(base).and_modify(|family| family.labels.extend(names));
            }
        }
        Ok(families)
    }

    /// A histogram's series are named after it.
    fn base<'a>(&self, series: &'a str) -> Option<&'a str> {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix));
        let histogram = histogram.filter(|base| self.0.get(*base).is_some_and(|family| family.kind == "histogram"));
        histogram.or_else(|| self.0.contains_key(series).then_some(series))
    }

    /// Fails if an expression names a series, or a label of one, that is not here.
    ///
    /// # Errors
    /// With what is missing.
    pub fn check(&self, expression: &str) -> Result<()> {
        let mut known: BTreeSet<&str> = SCRAPING.into();
        let series = selected(expression);
        ensure!(!series.is_empty(), "no series of ours in {expression}");
        for (name, labels) in series {
            let family = self.base(name).and_then(|base| self.0.get(base));
            let family = family.with_context(|| format!("no {name}, used in {expression}"))?;
            known.extend(family.labels.iter().map(String::as_str));
            if let Some(label) =
                labels.iter().find(|label| !SCRAPING.contains(label) && !family.labels.contains(**label))
            {
                bail!("{name} has no label {label}, used in {expression}");
            }
        }
        match grouped(expression).find(|label| !known.contains(label)) {
            Some(label) => bail!("nothing has the label {label}: {expression}"),
            None => Ok(()),
        }
    }
}

/// Every expression of the dashboard and of the alerts.
///
/// # Errors
/// When one of the files is not what it should be.
pub fn expressions() -> Result<Vec<String>> {
    let read = |name: &str| {
        let path = guest::root().join("deploy/helm/cardea/files").join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")?)?;
    let rules: Value = serde_yaml::from_str(&read("rules.yaml")?)?;
    let list =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let panels = list(&dashboard, "/panels");
    let targets = panels.iter().flat_map(|panel| list(panel, "/targets"));
    let alerts = list(&rules, "/groups").into_iter().flat_map(|group| list(&group, "/rules"));
    let text = |from: Value| from.get("expr").and_then(Value::as_str).map(str::to_owned).context("no expr");
    targets.chain(alerts).map(text).collect()
}

/// The source of the cluster tells its state; a directory has none to tell.
pub fn needs_cluster(expression: &str) -> bool {
    ["cardea_source_", "cardea_admission_"].iter().any(|prefix| expression.contains(prefix))
}

/// Our series in an expression, each with the labels of its selector.
fn selected(expression: &str) -> Vec<(&str, Vec<&str>)> {
    let starts = expression.match_indices("cardea_").map(|(start, _)| start);
    let series = starts.filter_map(|start| {
        let rest = expression.get(start..)?;
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        let selector =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(selector, _)| selector);
        let labels = selector.split("\",").filter_map(|matcher| matcher.split_once(['=', '!']));
        Some((name, labels.map(|(label, _)| label.trim()).collect()))
    });
    series.collect()
}

/// The labels of each `by (...)`.
fn grouped(expression: &str) -> impl Iterator<Item = &str> {
    let groups = expression.split("by (").skip(1).filter_map(|rest| rest.split_once(')')).map(|(group, _)| group);
    groups.flat_map(|group| group.split(',').map(str::trim))
}

#[cfg(test)]
mod tests;
