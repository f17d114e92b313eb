use super::*;

#[test]
fn durations_are_read_with_their_units() {
    let rows = [
        ("250us", Ok(250)),
        ("5ms", Ok(5_000)),
        ("1m30s", Ok(90_000_000)),
        ("1h", Ok(3_600_000_000)),
        ("0s", Ok(0)),
        ("", Err("\"\" is not a duration")),
        ("5", Err("\"5\" has no unit: us, ms, s, m or h")),
        ("5d", Err("\"5d\" has the unit \"d\", which is none of us, ms, s, m, h")),
        ("-5s", Err("\"-5s\" is not a duration")),
        ("99999999999999999h", Err("\"99999999999999999h\" is too large")),
    ];
    for (text, expected) in rows {
        assert_eq!(duration(text), expected.map(Duration::from_micros).map_err(str::to_owned), "{text}");
    }
}

#[test]
fn bytes_are_read_as_quantities() {
    let rows = [
        ("0", Ok(0)),
        ("16Mi", Ok(16 << 20)),
        ("1G", Ok(1_000_000_000)),
        ("1.5Mi", Err("\"1.5Mi\" has the unit \".5Mi\", which is none of Ki, Mi, Gi, Ti, k, M, G, T")),
        ("Mi", Err("\"Mi\" is not a number of bytes")),
        ("99999999999Ti", Err("\"99999999999Ti\" is too large")),
    ];
    for (text, expected) in rows {
        assert_eq!(bytes(text), expected.map_err(str::to_owned), "{text}");
    }
}
