//! What `5ms` and `16Mi` mean: whole numbers with a unit, read without floating point.

use std::time::Duration;

/// A duration as one or more whole numbers, each with its unit (`us`, `ms`, `s`, `m`, `h`): `500ms`, `1m30s`.
/// The error says what is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    loop {
        let (number, tail) = number(rest).ok_or_else(|| format!("{text:?} is not a duration"))?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end).unwrap_or((tail, ""));
        let micros = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "" => return Err(format!("{text:?} has no unit: us, ms, s, m or h")),
            _ => return Err(format!("{text:?} has the unit {unit:?}, which is none of us, ms, s, m, h")),
        };
        let part = number.checked_mul(micros).map(Duration::from_micros);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| format!("{text:?} is too large"))?;
        rest = tail;
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

/// Bytes as a Kubernetes quantity without fractions: a whole number with nothing, `k`, `M`, `G`, `T` (powers of 1000) or
/// `Ki`, `Mi`, `Gi`, `Ti` (powers of 1024) after it.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = number(text).ok_or_else(|| format!("{text:?} is not a number of bytes"))?;
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return Err(format!("{text:?} has the unit {unit:?}, which is none of Ki, Mi, Gi, Ti, k, M, G, T")),
    };
    number.checked_mul(factor).ok_or_else(|| format!("{text:?} is too large"))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests;
