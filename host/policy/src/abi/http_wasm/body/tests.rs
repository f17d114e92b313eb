//! What a guest reads and writes, and what goes on.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Body, Overflow, TooLarge, WRITTEN_BYTES_MIN};

fn body(pieces: &[&str]) -> Body {
    let mut body = Body::default();
    for piece in pieces {
        assert!(body.hold(piece.as_bytes(), 100));
    }
    body
}

/// Reads with that much space until the end.
fn pieces(body: &mut Body, space: usize) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    loop {
        let mut buffer = vec![0; space];
        let (length, end) = body.read(&mut buffer).unwrap();
        found.push((String::from_utf8(buffer[..length].to_vec()).unwrap(), end));
        if end {
            return found;
        }
    }
}

#[test]
fn a_body_is_read_in_pieces_and_its_end_is_told_with_the_last() {
    let mut held = body(&["hel", "lo"]);
    assert_eq!(pieces(&mut held, 2), [("he".into(), false), ("ll".into(), false), ("o".into(), true)]);
    assert_eq!(held.read(&mut [0; 4]).unwrap(), (0, true));
    assert_eq!(pieces(&mut body(&["hello"]), 5), [("hello".into(), true)]);
    assert_eq!(pieces(&mut body(&[]), 5), [(String::new(), true)]);
}

#[test]
fn more_than_may_be_held_cannot_be_read() {
    let mut cut = body(&["hello"]);
    assert!(!cut.hold(b" world", 10));
    cut.cut();
    assert_eq!(cut.read(&mut [0; 32]), Ok((11, false)));
    assert_eq!(cut.read(&mut [0; 32]), Err(Overflow));
    assert_eq!(cut.pass_on(true, false), b"hello world");
}

#[test]
fn what_was_read_is_gone_unless_the_whole_is_wanted() {
    let mut half = body(&["hello"]);
    half.read(&mut [0; 2]).unwrap();
    assert_eq!(half.pass_on(false, true), b"llo");
    assert_eq!(half.pass_on(true, true), b"hello");
    assert_eq!(half.read(&mut [0; 9]), Ok((3, true)));
    assert_eq!(half.pass_on(false, false), b"");
}

#[test]
fn what_is_written_takes_the_place_of_the_body() {
    let mut written = body(&["hello"]);
    assert!(!written.is_written());
    written.write(b"good", 100).unwrap();
    written.write(b"bye", 100).unwrap();
    assert!(written.is_written());
    assert_eq!(written.take_written(), b"goodbye");
    // Also by nothing.
    let mut emptied = body(&["hello"]);
    emptied.write(b"", 100).unwrap();
    assert!(emptied.is_written());
}

#[test]
fn writing_has_a_bound() {
    let mut large = Body::default();
    large.write(&vec![0; WRITTEN_BYTES_MIN], 10).unwrap();
    assert_eq!(large.write(b"1", 10), Err(TooLarge));
    assert_eq!(large.write(b"1", WRITTEN_BYTES_MIN + 1), Ok(()));
}

#[test]
fn the_last_piece_can_be_given_back() {
    let mut held = body(&["hel", "lo"]);
    held.drop_last(2);
    assert_eq!(held.take_held(), b"hel");
}
