//! What `5ms` and `16Mi` mean: a number and a unit, read without floating point.

use std::time::Duration;

/// Bytes: a whole number with nothing, `k`, `M`, `G` (powers of 1000) or `Ki`, `Mi`, `Gi` (powers of 1024) after it.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| not_a("number of bytes", text))?;
    let factor = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(format!("{text:?} has the unit {unit:?}, which is none of Ki, Mi, Gi, k, M, G")),
    };
    number.checked_mul(factor).ok_or_else(|| format!("{text:?} is too large"))
}

/// A duration: a whole number with `us`, `ms`, `s` or `m` after it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| not_a("duration", text))?;
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "" => return Err(format!("{text:?} has no unit: us, ms, s or m")),
        _ => return Err(format!("{text:?} has the unit {unit:?}, which is none of us, ms, s, m")),
    };
    let micros = number.checked_mul(micros).ok_or_else(|| format!("{text:?} is too large"))?;
    Ok(Duration::from_micros(micros))
}

fn not_a(what: &str, text: &str) -> String {
    format!("{text:?} is not a {what}")
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}
