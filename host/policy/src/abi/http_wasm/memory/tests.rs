//! The conventions of the ABI's text, by its own examples.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::{put, put_list, read};
use crate::copied::{Copied, Counter};

fn list(strings: &[&'static str], limit: u32) -> (u64, Vec<u8>) {
    let mut memory = vec![b'?'; 64];
    let result =
        put_list(&mut memory, &Counter::default(), (16, limit), || strings.iter().map(|string| string.as_bytes()))
            .unwrap();
    (result, memory)
}

#[test]
fn a_value_that_fits_is_written_whole() {
    let mut memory = vec![b'?'; 8];
    assert_eq!(put(&mut memory, &Counter::default(), (2, 3), b"abc").unwrap(), 3);
    assert_eq!(memory, b"??abc???");
}

#[test]
fn of_a_value_that_does_not_fit_only_the_length_is_told() {
    let mut memory = vec![b'?'; 8];
    assert_eq!(put(&mut memory, &Counter::default(), (2, 2), b"abc").unwrap(), 3);
    assert_eq!(put(&mut memory, &Counter::default(), (0, 0), b"abc").unwrap(), 3);
    assert_eq!(memory, b"????????");
}

#[test]
fn where_nothing_is_written_the_place_does_not_matter() {
    let mut memory = vec![0; 8];
    assert_eq!(put(&mut memory, &Counter::default(), (u32::MAX, 9), b"").unwrap(), 0);
    assert_eq!(put(&mut memory, &Counter::default(), (u32::MAX, 2), b"abc").unwrap(), 3);
    assert!(put(&mut memory, &Counter::default(), (6, 9), b"abc").is_err());
    assert!(put(&mut memory, &Counter::default(), (u32::MAX, 9), b"abc").is_err());
}

#[test]
fn lists_end_each_string_with_a_nul() {
    assert_eq!(list(&[], 48).0, 0);
    let (result, memory) = list(&["Date"], 48);
    assert_eq!((result, &memory[16..22]), (1 << 32 | 5, &b"Date\0?"[..]));
    let (result, memory) = list(&["a=b", "", "c=d"], 9);
    assert_eq!((result, &memory[16..26]), (3 << 32 | 9, &b"a=b\0\0c=d\0?"[..]));
}

#[test]
fn of_a_list_that_does_not_fit_only_count_and_length_are_told() {
    let (result, memory) = list(&["Date", "Etag"], 9);
    assert_eq!(result, 2 << 32 | 10);
    assert!(memory.iter().all(|byte| *byte == b'?'));
}

#[test]
fn reads_stay_in_memory() {
    assert_eq!(read(b"abcd", &Counter::default(), 1, 2).unwrap(), b"bc");
    assert_eq!(read(b"abcd", &Counter::default(), 4, 0).unwrap(), b"");
    assert!(read(b"abcd", &Counter::default(), 3, 2).is_err());
    assert!(read(b"abcd", &Counter::default(), u32::MAX, u32::MAX).is_err());
}

#[test]
fn what_is_written_and_read_is_counted_and_nothing_else() {
    let (mut memory, copied) = (vec![0; 32], Counter::default());
    put(&mut memory, &copied, (0, 8), b"abc").unwrap();
    put(&mut memory, &copied, (0, 2), b"abc").unwrap();
    put_list(&mut memory, &copied, (8, 8), || [&b"de"[..], b"f"].into_iter()).unwrap();
    put_list(&mut memory, &copied, (8, 4), || [&b"de"[..], b"f"].into_iter()).unwrap();
    read(&memory, &copied, 0, 7).unwrap();
    assert_eq!(copied.read(), Copied { to_guest: 3 + 5, from_guest: 7 });
}
