//! How many watches share a connection.

#![allow(clippy::unwrap_used)]

use tokio::runtime::Builder;

use super::super::connect::Connection;
use super::server::Server;

#[test]
fn a_hundred_watches_share_a_connection_and_a_free_seat_is_taken_again() {
    let server = Server::start();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut connection = Connection::open(Some(&server.kubeconfig()), runtime.handle()).unwrap();
    let seats: Vec<_> = (0..201).map(|_| connection.take_seat().1).collect();
    assert_eq!((seats[0], seats[100], seats[200]), (seats[99], seats[199], seats[200]));
    assert!(seats[99] != seats[100] && seats[199] != seats[200]);
    connection.leave_seat(seats[0]);
    assert_eq!(connection.take_seat().1, seats[0]);
    assert_eq!(connection.take_seat().1, seats[200]);
}

#[test]
fn a_kubeconfig_that_is_none_is_an_error_that_names_it() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let path = std::path::Path::new("/nowhere/kubeconfig");
    let error = Connection::open(Some(path), runtime.handle()).err().unwrap();
    assert!(error.to_string().starts_with("--kubeconfig /nowhere/kubeconfig: "), "{error}");
}
