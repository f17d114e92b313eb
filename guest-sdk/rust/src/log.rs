//! Log lines of a policy: at most 16 of 4 KiB a call. Needs the grant `log`.

use crate::host::log as host;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl From<Level> for host::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

/// Whether a line of this level would be kept.
pub fn enabled(level: Level) -> bool {
    host::enabled(level.into())
}

pub fn write(level: Level, message: &str) {
    host::log(level.into(), message);
}

/// Formats and logs, if the level is kept: `log!(Level::Info, "chose {backend}")`.
#[macro_export]
macro_rules! log {
    ($level:expr, $($message:tt)+) => {
        if $crate::log::enabled($level) {
            $crate::log::write($level, &::std::format!($($message)+));
        }
    };
}

#[macro_export]
macro_rules! debug { ($($message:tt)+) => { $crate::log!($crate::log::Level::Debug, $($message)+) }; }

#[macro_export]
macro_rules! info { ($($message:tt)+) => { $crate::log!($crate::log::Level::Info, $($message)+) }; }

#[macro_export]
macro_rules! warn { ($($message:tt)+) => { $crate::log!($crate::log::Level::Warn, $($message)+) }; }

#[macro_export]
macro_rules! error { ($($message:tt)+) => { $crate::log!($crate::log::Level::Error, $($message)+) }; }
