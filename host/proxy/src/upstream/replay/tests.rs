use super::*;

#[test]
fn a_head_is_read_back_as_it_was_written() {
    let head = b"GET /a%20b?x=1 HTTP/1.1\r\nhost: shop.test\r\nx-tag: one\r\nx-tag: two\r\n\r\n";
    let request = read_back(head).unwrap();
    assert_eq!((request.method(), request.uri().to_string()), (&Method::GET, "/a%20b?x=1".to_owned()));
    let tags: Vec<_> = request.headers().get_all("x-tag").iter().map(HeaderValue::as_bytes).collect();
    assert_eq!((tags, request.headers().len()), (vec![&b"one"[..], b"two"], 3));
}

#[test]
fn half_a_head_is_not_repeated() {
    assert!(read_back(b"GET / HTTP/1.1\r\nhost: shop.test\r\n").is_none());
    assert!(read_back(b"").is_none());
}

#[test]
fn what_was_taken_is_remembered_and_an_answer_ends_the_chance() {
    let memory = Memory::default();
    memory.begin(true);
    let parts: [&[u8]; 2] = [b"GET / HTTP/1.1\r\n", b"host: a\r\n\r\n"];
    memory.wrote(parts.into_iter(), &Poll::Ready(Ok(20)));
    memory.wrote(std::iter::once(&b" a\r\n\r\n"[1..]), &Poll::Ready(Ok(5)));
    assert_eq!(*memory.written.borrow(), b"GET / HTTP/1.1\r\nhosta\r\n\r\n");
    memory.begin(true);
    memory.wrote(parts.into_iter(), &Poll::Pending);
    assert!(memory.replay().is_none());
    memory.wrote(parts.into_iter(), &Poll::Ready(Ok(27)));
    assert!(memory.replay().is_some());
    memory.answered.set(true);
    assert!(memory.replay().is_none());
}
