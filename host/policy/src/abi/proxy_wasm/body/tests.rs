//! The buffer that a guest sees, against a plain vector.

use bytes::Bytes;
use proptest::prelude::*;

use super::Body;

fn body(held: &[u8], given: &[u8]) -> Body {
    let mut body = Body::default();
    body.give(Bytes::copy_from_slice(held));
    assert!(body.hold(usize::MAX));
    body.give(Bytes::copy_from_slice(given));
    body
}

fn read(body: &Body, start: usize, most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    body.copy(start, most, &mut out);
    out
}

#[test]
fn held_and_given_bytes_are_one_buffer() {
    let body = body(b"abc", b"def");
    assert_eq!(body.len(), 6);
    assert_eq!(read(&body, 0, usize::MAX), b"abcdef");
    assert_eq!(read(&body, 2, 2), b"cd");
    assert_eq!(read(&body, 4, 9), b"ef");
    assert_eq!(read(&body, 7, 1), b"");
}

#[test]
fn a_failed_call_leaves_what_was_held() {
    let mut body = body(b"abc", b"def");
    assert!(body.splice(0, 6, b"x", 64));
    assert_eq!(body.take_held(), "abc");
}

#[test]
fn a_piece_that_nobody_touched_goes_on_as_it_is() {
    let piece = Bytes::from_static(b"untouched");
    let mut body = Body::default();
    body.give(piece.clone());
    assert_eq!(body.send().as_ptr(), piece.as_ptr());
}

#[test]
fn holding_too_much_is_refused_and_keeps_the_rest() {
    let mut body = body(b"abc", b"def");
    assert!(!body.hold(5));
    assert_eq!(body.take_held(), "abc");
}

#[test]
fn an_edit_may_not_make_a_body_without_bound() {
    let mut body = body(b"", b"abc");
    assert!(!body.splice(0, 0, &vec![0; 1 << 20], 64));
    assert_eq!(body.send(), "abc");
}

proptest! {
    #[test]
    fn splices_are_those_of_a_vector(
        held in any::<Vec<u8>>(), given in any::<Vec<u8>>(),
        edits in proptest::collection::vec((0usize..300, 0usize..300, any::<Vec<u8>>()), 0..4),
    ) {
        let mut model = [held.clone(), given.clone()].concat();
        let mut body = body(&held, &given);
        for (start, length, with) in edits {
            let start_in = start.min(model.len());
            let end = (start_in + length).min(model.len());
            model.splice(start_in..end, with.iter().copied());
            prop_assert!(body.splice(start, length, &with, 1 << 20));
        }
        prop_assert_eq!(body.len(), model.len());
        prop_assert_eq!(read(&body, 0, usize::MAX), model.clone());
        prop_assert_eq!(body.send(), model);
        prop_assert_eq!(body.len(), 0);
    }
}
