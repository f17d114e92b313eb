use super::*;

fn ask(reads: &Reads, table: &NameTable, kind: Kind, text: &str) {
    reads.with_header(table, kind, text, |_| Some(()));
}

#[test]
fn questions_are_described_once_and_by_lower_case_name() {
    let (table, reads) = (NameTable::default(), Reads::default());
    reads.begin();
    reads.mark(fixed::PATH);
    ask(&reads, &table, Kind::Header, "X-A");
    ask(&reads, &table, Kind::Header, "x-a");
    reads.mark_name(&table, Kind::Cookie, "Session");
    assert_eq!(table.describe(&reads.set()), ["path", "header:x-a", "cookie:Session"]);
}

#[test]
fn each_call_has_a_set_of_its_own() {
    let (table, reads) = (NameTable::default(), Reads::default());
    reads.begin();
    ask(&reads, &table, Kind::Header, "x-a");
    let first = reads.set();
    reads.begin();
    ask(&reads, &table, Kind::Header, "x-b");
    assert_eq!(table.describe(&first), ["header:x-a"]);
    assert_eq!(table.describe(&reads.set()), ["header:x-b"]);
}

#[test]
fn instances_of_a_policy_share_slots() {
    let table = NameTable::default();
    let (one, two) = (Reads::default(), Reads::default());
    ask(&one, &table, Kind::Header, "x-a");
    ask(&two, &table, Kind::ResponseHeader, "x-a");
    ask(&two, &table, Kind::Header, "x-a");
    assert_eq!(one.set().named & two.set().named, one.set().named);
    assert_eq!(table.describe(&two.set()), ["header:x-a", "response-header:x-a"]);
}

#[test]
fn more_names_than_slots_are_told_and_still_answered() {
    let (table, reads) = (NameTable::default(), Reads::default());
    for i in 0..1000 {
        let found = reads.with_header(&table, Kind::Header, &format!("x-{i}"), |name| Some(name.to_string()));
        assert_eq!(found, Some(format!("x-{i}")));
    }
    assert!(reads.set().overflow);
    let described = table.describe(&reads.set());
    assert_eq!((described.len(), described.last().map(String::as_str)), (SLOTS + 1, Some("...")));
    assert!(reads.asked.borrow().len() <= 2 * SLOTS);
}

#[test]
fn what_is_not_a_header_name_has_no_answer_and_no_slot() {
    let (table, reads) = (NameTable::default(), Reads::default());
    assert_eq!(reads.with_header(&table, Kind::Header, "a b", |_| Some(())), None);
    assert_eq!(reads.set().named, 0);
}
