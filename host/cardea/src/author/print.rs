//! How the tool speaks: lines on standard output and standard error, and what it does when nobody listens.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use super::mistake::Mistake;

/// One line of the answer. A reader that went away (`| head`) is no reason to stop.
pub fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A line about what is being done.
pub fn progress(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

pub fn mistake(mistake: &Mistake) {
    progress(format!("error: {}\n  help: {}", mistake.what, mistake.remedy));
}

/// `1,234,567`
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `4.3 us`, `27 ms`, `1.5 s`
pub fn duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos() as f64;
    let (value, unit) = match nanoseconds {
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}
