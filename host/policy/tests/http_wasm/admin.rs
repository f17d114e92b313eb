//! Features, configuration, and the log.

use std::sync::Arc;

use crate::guest::Handler;
use crate::play::Play;

fn with_config(json: &str, text: &str) {
    let handler = Handler::request(text).start(text);
    let mut play = Play::with(&handler, |spec| spec.config = Arc::from(json));
    play.get().outcome.forwarded();
}

#[test]
fn a_config_that_is_a_string_is_its_text() {
    with_config("\"enabled=1\\n\"", "(call $text (call $get_config (i32.const 1024) (i32.const 64)) {enabled=1\n})");
}

#[test]
fn any_other_config_is_json() {
    with_config("[1,2]", "(call $text (call $get_config (i32.const 1024) (i32.const 64)) {[1,2]})");
}

#[test]
fn no_config_has_no_bytes() {
    with_config("null", "(call $same32 (call $get_config (i32.const 1024) (i32.const 64)) (i32.const 0))");
}

#[test]
fn a_config_that_does_not_fit_is_not_written() {
    let text = "(call $same32 (call $get_config (i32.const 1024) (i32.const 4)) (i32.const 5))
        (call $same32 (i32.load8_u (i32.const 1024)) (i32.const 0))";
    with_config("[1,2]", text);
}

#[test]
fn features_are_added_and_all_that_are_enabled_are_told() {
    let request = "(call $same32 (call $enable_features (i32.const 0)) (i32.const 1))
        (call $same32 (call $enable_features (i32.const 6)) (i32.const 7))
        (call $same32 (call $enable_features (i32.const 248)) (i32.const 7))";
    let start = "(call $same32 (call $enable_features (i32.const 1)) (i32.const 1))";
    let mut play = Play::new(&Handler::request(request).start(start));
    // What a request enables is for that request: the second finds the same instance as the first did.
    for _ in 0..2 {
        play.exchange(&[], &[]).outcome.forwarded();
    }
    assert_eq!(play.worker.snapshot("test/handler").instances_created, 1);
}

#[test]
fn after_handle_request_it_is_too_late_for_features() {
    let response = "(call $same32 (call $enable_features (i32.const 2)) (i32.const 0))";
    Play::new(&Handler::request("").response(response)).exchange(&[], &["x"]).outcome.forwarded();
}

#[test]
fn lines_have_the_levels_of_the_log() {
    let handler = Handler::request(
        "(call $log (i32.const -1) {a}) (call $log (i32.const 0) {b}) (call $log (i32.const 1) {c})
         (call $log (i32.const 2) {d}) (call $log (i32.const 3) {none}) (call $log (i32.const 0) (i32.const -1) (i32.const 9))
         (call $same32 (call $log_enabled (i32.const -1)) (i32.const 1))
         (call $same32 (call $log_enabled (i32.const 3)) (i32.const 0))",
    );
    let mut play = Play::new(&handler);
    play.get().outcome.forwarded();
    let lines = play.worker.lines.lock().unwrap().clone();
    assert_eq!(lines, ["debug a", "info b", "warn c", "error d"].map(|line| format!("test/handler {line}")));
}

#[test]
fn a_call_may_log_16_lines() {
    let mut play = Play::new(&Handler::request(&"(call $log (i32.const 0) {a})".repeat(20)));
    play.get().outcome.forwarded();
    assert_eq!(play.worker.lines.lock().unwrap().len(), 16);
    assert_eq!(play.worker.snapshot("test/handler").logs_dropped, 4);
}

#[test]
fn what_is_written_to_standard_output_is_logged() {
    let import =
        "(import \"wasi_snapshot_preview1\" \"fd_write\" (func $fd_write (param i32 i32 i32 i32) (result i32)))";
    let handler = Handler::request(
        "(i32.store (i32.const 2048) (i32.const 3000)) (i32.store (i32.const 2052) (i32.const 8))
         (drop (call $fd_write (i32.const 1) (i32.const 2048) (i32.const 1) (i32.const 2060)))",
    )
    .import(import)
    .with("(data (i32.const 3000) \"one\\ntwo!\")");
    let mut play = Play::new(&handler);
    play.get().outcome.forwarded();
    assert_eq!(*play.worker.lines.lock().unwrap(), ["test/handler info one", "test/handler info two!"]);
}
