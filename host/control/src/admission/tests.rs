//! What admission answers, row by row, and that it agrees with the compiler.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod agreement;
mod flat;
mod follow;
mod kit;
mod objects;
mod reviews;
