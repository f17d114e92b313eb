//! Numbers of maps, and the targets and statuses that a guest may write.

use super::pseudo::{status, target};
use super::{Map, Status};
use crate::abi::Side;

#[test]
fn every_number_of_the_specification_is_a_map_and_no_other() {
    assert_eq!(Map::try_from(0), Ok(Map::Headers(Side::Request)));
    assert_eq!(Map::try_from(3), Ok(Map::Trailers(Side::Response)));
    assert_eq!(Map::try_from(7), Ok(Map::CallTrailers));
    assert_eq!((Map::try_from(8), Map::try_from(u32::MAX)), (Err(Status::BadArgument), Err(Status::BadArgument)));
}

#[test]
fn a_path_is_normalised_and_anything_else_is_refused() {
    let good = |text: &str| target(text).map(|uri| uri.to_string());
    assert_eq!(good("/a/../b?x=1"), Ok(String::from("/b?x=1")));
    for bad in ["", "a", "http://other.test/", "/a\r\nx: y", "/a?x= y", "/a%2fb", "/a#b"] {
        assert_eq!(good(bad), Err(Status::BadArgument), "{bad:?}");
    }
}

#[test]
fn a_status_is_one_of_a_final_answer() {
    assert!(status("200").is_ok() && status("599").is_ok());
    for bad in ["", "99", "101", "600", "2000", "-200", "abc"] {
        assert!(status(bad).is_err(), "{bad:?}");
    }
}
