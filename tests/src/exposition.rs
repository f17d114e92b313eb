//! Whether a page of metrics is well-formed and well-named: Prometheus' text format 0.0.4, read strictly, and the rules of
//! `promtool check metrics`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// One name with its type, and its series by labels.
#[derive(Debug, Default)]
pub struct Family {
    pub help: String,
    pub kind: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

const KINDS: [&str; 5] = ["counter", "gauge", "histogram", "summary", "untyped"];
/// Units that are not the base unit, and abbreviations of units, as promtool lists them.
const UNITS: &str = "milliseconds microseconds nanoseconds minutes hours days weeks kilobytes megabytes gigabytes kibibytes \
    mebibytes bits percent millivolts grams fahrenheit s ms us ns sec b kb mb gb m h d";

/// Reads a page and checks it.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check(page: &str) -> Result<BTreeMap<String, Family>> {
    ensure!(page.ends_with('\n'), "the last line does not end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current: Option<(String, Family)> = None;
    for line in page.lines() {
        read(line, &mut current, &mut families).with_context(|| format!("{line:?}"))?;
    }
    finish(current, &mut families)?;
    for (name, family) in &families {
        named(name, family).with_context(|| name.clone())?;
        series(name, family).with_context(|| name.clone())?;
    }
    Ok(families)
}

type Current = Option<(String, Family)>;

fn read(line: &str, current: &mut Current, families: &mut BTreeMap<String, Family>) -> Result<()> {
    if let Some(rest) = line.strip_prefix("# HELP ") {
        let (name, help) = rest.split_once(' ').context("no help text")?;
        finish(current.take(), families)?;
        *current = Some((name.to_owned(), Family { help: help.to_owned(), ..Family::default() }));
        return Ok(());
    }
    let (name, family) = current.as_mut().context("before any # HELP")?;
    if let Some(rest) = line.strip_prefix("# TYPE ") {
        let (typed, kind) = rest.split_once(' ').context("no type")?;
        ensure!(typed == name && family.kind.is_empty() && family.samples.is_empty(), "not right after its # HELP");
        ensure!(KINDS.contains(&kind), "not a type");
        family.kind = kind.to_owned();
        return Ok(());
    }
    ensure!(!family.kind.is_empty(), "before its # TYPE");
    let sample = sample(line)?;
    let suffix = sample.name.strip_prefix(name.as_str()).context("not of the family above it")?;
    let suffixes: &[&str] = match family.kind.as_str() {
        "histogram" => &["_bucket", "_sum", "_count"],
        "summary" => &["", "_sum", "_count"],
        _ => &[""],
    };
    ensure!(suffixes.contains(&suffix), "not a sample of a {}", family.kind);
    family.samples.push(sample);
    Ok(())
}

fn finish(current: Current, families: &mut BTreeMap<String, Family>) -> Result<()> {
    let Some((name, family)) = current else { return Ok(()) };
    ensure!(!family.kind.is_empty(), "{name} has no type");
    ensure!(families.insert(name.clone(), family).is_none(), "{name} comes twice");
    Ok(())
}

/// `name{label="value",..} value`, with single spaces and no timestamp.
fn sample(line: &str) -> Result<Sample> {
    let end = line.find(['{', ' ']).context("no value")?;
    let (name, rest) = line.split_at(end);
    ensure!(is_name(name, true), "not a metric name");
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").context("no label value")?;
            ensure!(is_name(label, false), "not a label name: {label:?}");
            let (value, after) = quoted(after)?;
            ensure!(labels.insert(label.to_owned(), value).is_none(), "the label {label} comes twice");
            match after.split_at_checked(1) {
                Some((",", after)) => rest = after,
                Some(("}", after)) => {
                    rest = after;
                    break;
                }
                _ => bail!("labels that do not end"),
            }
        }
    }
    let value = rest.strip_prefix(' ').context("no space before the value")?;
    Ok(Sample { name: name.to_owned(), labels, value: number(value)? })
}

/// Up to the closing quote, and what follows it.
fn quoted(text: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(match characters.next() {
                Some((_, 'n')) => '\n',
                Some((_, escaped @ ('\\' | '"'))) => escaped,
                _ => bail!("an unknown escape"),
            }),
            character => value.push(character),
        }
    }
    bail!("a label value that does not end")
}

fn number(text: &str) -> Result<f64> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        _ => {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
            ensure!(plain, "not a number: {text:?}");
            text.parse().with_context(|| format!("not a number: {text:?}"))
        }
    }
}

fn is_name(text: &str, colon: bool) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (colon && byte == b':');
    text.bytes().next().is_some_and(letter) && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// What promtool says of names.
fn named(name: &str, family: &Family) -> Result<()> {
    ensure!(!family.help.trim().is_empty(), "no help text");
    ensure!(family.kind != "untyped", "no type");
    ensure!(name.starts_with("cardea_"), "not in our namespace");
    ensure!(!name.contains(':'), "colons are for recording rules");
    ensure!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "not in snake case");
    ensure!((family.kind == "counter") == name.ends_with("_total"), "`_total` is for counters, and for all of them");
    for suffix in ["_bucket", "_count", "_sum"] {
        ensure!(!name.ends_with(suffix), "{suffix} is a suffix of histograms' own");
    }
    for word in name.split('_') {
        ensure!(!KINDS.contains(&word), "its type in its name");
        ensure!(!UNITS.split(' ').any(|unit| unit == word), "{word} is not a base unit written out");
    }
    for label in family.samples.iter().flat_map(|sample| sample.labels.keys()) {
        ensure!(!label.starts_with("__"), "{label} is reserved");
        ensure!(label != "le" || family.kind == "histogram", "`le` is for histograms");
        ensure!(label != "quantile" || family.kind == "summary", "`quantile` is for summaries");
    }
    Ok(())
}

/// Series are told apart by their labels; values fit their type.
fn series(name: &str, family: &Family) -> Result<()> {
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        ensure!(seen.insert((&sample.name, &sample.labels)), "a series comes twice: {:?}", sample.labels);
        let counts = family.kind == "counter" || (family.kind == "histogram" && !sample.name.ends_with("_sum"));
        ensure!(!counts || sample.value >= 0.0, "a count below zero or no number");
    }
    if family.kind == "histogram" { histograms(name, family) } else { Ok(()) }
}

/// Buckets rise to `+Inf`, which is the count.
fn histograms(name: &str, family: &Family) -> Result<()> {
    let mut buckets: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
    let mut ends: BTreeMap<(BTreeMap<String, String>, &str), f64> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        match (sample.name.strip_prefix(name).unwrap_or_default(), bound) {
            ("_bucket", Some(bound)) => buckets.entry(labels).or_default().push((number(&bound)?, sample.value)),
            ("_bucket", None) => bail!("a bucket without `le`"),
            (_, Some(_)) => bail!("`le` on what is no bucket"),
            (suffix, None) => drop(ends.insert((labels, suffix), sample.value)),
        }
    }
    ensure!(ends.len() == 2 * buckets.len(), "a histogram without its buckets, its sum or its count");
    for (labels, buckets) in buckets {
        let rises = buckets.is_sorted_by(|low, high| low.0 < high.0 && low.1 <= high.1);
        ensure!(rises, "buckets that do not rise: {labels:?}");
        let last = buckets.last().copied().unwrap_or_default();
        ensure!(last.0 == f64::INFINITY, "no bucket for +Inf: {labels:?}");
        ensure!(ends.get(&(labels.clone(), "_count")) == Some(&last.1), "the count is not the last bucket: {labels:?}");
        ensure!(ends.contains_key(&(labels.clone(), "_sum")), "no sum: {labels:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
