#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::lost;
use super::queue::Queue;

/// A reader that takes a line when it is told to.
struct Slow {
    begun: Sender<()>,
    go: Receiver<()>,
    text: Sender<String>,
}

impl std::io::Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.begun.send(()).unwrap();
        self.go.recv().unwrap();
        self.text.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

#[test]
fn nobody_waits_for_a_reader_that_is_stuck_and_what_is_lost_is_told() {
    let queue = Arc::new(Queue::new(12));
    let ((begun, waits), (go, going), (text, read)) = (channel(), channel(), channel());
    let writing = Arc::clone(&queue);
    let writer = std::thread::spawn(move || {
        let mut slow = Slow { begun, go: going, text };
        (0..3).for_each(|_| writing.write_one(&mut slow, lost));
    });
    queue.push(line("first"));
    waits.recv().unwrap();
    // It is stuck in the middle of the first line: two of six bytes may wait, and the others are dropped.
    for text in ["second", "third", "fourth", "fifth"] {
        queue.push(line(&text[..5]));
    }
    assert_eq!(queue.dropped(), 2);
    queue.settle(Duration::from_millis(1));
    (0..3).for_each(|_| go.send(()).unwrap());
    writer.join().unwrap();
    let told: Vec<String> = read.iter().collect();
    assert_eq!(told[..2], [line("first"), line("secon")]);
    let (last, notice) = told[2].split_once('\n').unwrap();
    let notice: serde_json::Value = serde_json::from_str(notice).unwrap();
    assert_eq!((last, &notice["event"], &notice["lines"]), ("third", &"lines_dropped".into(), &2.into()));
    // All is written: this returns at once.
    queue.settle(Duration::from_secs(600));
}

#[test]
fn what_was_told_is_written_before_the_end() {
    let queue = Arc::new(Queue::new(1 << 10));
    for number in 0..50 {
        queue.push(line(&number.to_string()));
    }
    let writing = Arc::clone(&queue);
    let writer = std::thread::spawn(move || {
        let mut out = Vec::new();
        (0..50).for_each(|_| writing.write_one(&mut out, lost));
        out
    });
    queue.settle(Duration::from_secs(600));
    let all: String = (0..50).map(|number| line(&number.to_string())).collect();
    assert_eq!(String::from_utf8(writer.join().unwrap()).unwrap(), all);
    assert_eq!(queue.dropped(), 0);
}
