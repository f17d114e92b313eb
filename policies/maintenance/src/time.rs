//! A moment as a config writes it: RFC 3339, such as `2026-03-01T02:00:00Z` or `2026-03-01T03:00:00+01:00`.

use serde::{Deserialize, Deserializer, de};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Since 1970-01-01T00:00:00Z.
    pub ms: u64,
}

impl Time {
    pub fn parse(text: &str) -> Option<Time> {
        let (date, rest) = text.split_once(['T', 't'])?;
        let (year, month, day) = three(date, '-', 4)?;
        let time = rest.get(..8)?;
        let (hour, minute, second) = three(time, ':', 2)?;
        let offset = offset_seconds(rest.get(8..)?)?;
        let in_range = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !in_range {
            return None;
        }
        let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
        Some(Time { ms: u64::try_from(seconds).ok()?.checked_mul(1_000)? })
    }
}

/// Three numbers: the first of `width` digits, the others of two.
fn three(text: &str, separator: char, width: usize) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let widths_fit = first.len() == width && second.len() == 2 && third.len() == 2;
    if parts.next().is_some() || !widths_fit {
        return None;
    }
    Some((number(first)?, number(second)?, number(third)?))
}

fn number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// `Z`, `+HH:MM` or `-HH:MM`.
fn offset_seconds(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "Z" | "z" => return (text.len() == 1).then_some(0),
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("\"{text}\" is no moment such as 2026-03-01T02:00:00Z")))
    }
}
