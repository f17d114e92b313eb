use super::*;
use proptest::prelude::*;

/// What a body gives, its bytes coming in `pieces`.
fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, HeaderMap, bool), Malformed> {
    let (mut state, mut unread, mut data, mut trailers) =
        (Chunked::default(), Vec::new(), Vec::new(), HeaderMap::new());
    for piece in pieces {
        unread.extend_from_slice(piece);
        let mut bytes = Bytes::from(unread);
        loop {
            match state.read(&mut bytes)? {
                Read::Data(more) => data.extend_from_slice(&more),
                Read::Trailers(fields) => trailers = fields,
                Read::End | Read::More => break,
            }
        }
        unread = bytes.to_vec();
    }
    Ok((data, trailers, state == Chunked::End && unread.is_empty()))
}

proptest! {
    #[test]
    fn chunks_give_the_body_however_they_are_cut(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let mut wire = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            let extension = if number % 2 == 0 { "" } else { " ;a=b" };
            wire.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\nx-sum: 7\r\n\r\n");
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
        places.extend([0, wire.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
        let (data, trailers, ended) = read(&pieces).unwrap();
        prop_assert_eq!(data, chunks.concat());
        prop_assert_eq!(trailers.get("x-sum").map(HeaderValue::as_bytes), Some(&b"7"[..]));
        prop_assert!(ended);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[&bytes]);
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for wire in [
        &b"5\nhello\r\n0\r\n\r\n"[..],
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"10000000000000000\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"0\r\nbad name: 1\r\n\r\n",
    ] {
        assert!(read(&[wire]).is_err(), "{}", wire.escape_ascii());
    }
}

#[test]
fn lines_and_trailers_are_bounded() {
    let line = [&b"5;"[..], &[b'a'; LINE_BYTES_MAX]].concat();
    assert_eq!(read(&[&line]), Err(Malformed("a chunk's size line is too long")));
    let trailers = [&b"0\r\na: "[..], &[b'a'; TRAILER_BYTES_MAX]].concat();
    assert_eq!(read(&[&trailers]), Err(Malformed("the trailer section is too long")));
}
