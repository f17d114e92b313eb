#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn endpoint(port: u16, zone: &str) -> Rc<Endpoint> {
    Endpoint::new(&cardea_model::endpoint::Endpoint {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        labels: Arc::new(BTreeMap::from([("zone".to_owned(), zone.to_owned())])),
    })
}

fn ring() -> Ring {
    Ring::new(vec![endpoint(1, "a"), endpoint(2, "b"), endpoint(3, "a")], 0)
}

fn ports(ring: &Ring, balance: Balance, subset: &[(String, String)], count: usize) -> Vec<u16> {
    (0..count).map(|_| ring.pick(balance, subset, None, 0).unwrap().address.port()).collect()
}

#[test]
fn a_round_takes_every_endpoint_in_turn() {
    assert_eq!(ports(&ring(), Balance::RoundRobin, &[], 6), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn a_subset_is_all_that_is_picked_from() {
    let subset = [("zone".to_owned(), "a".to_owned())];
    assert!(ports(&ring(), Balance::RoundRobin, &subset, 6).iter().all(|port| [1, 3].contains(port)));
    let nowhere = [("zone".to_owned(), "c".to_owned())];
    assert!(ring().pick(Balance::RoundRobin, &nowhere, None, 0).is_none());
}

#[test]
fn least_request_takes_the_idlest() {
    let ring = ring();
    ring.endpoints[0].enter();
    ring.endpoints[2].enter();
    assert_eq!(ports(&ring, Balance::LeastRequest, &[], 3), [2, 2, 2]);
}

#[test]
fn a_retry_goes_elsewhere_unless_there_is_nowhere_else() {
    let ring = ring();
    let failed = ring.endpoints[1].clone();
    for _ in 0..6 {
        assert!(!Rc::ptr_eq(&ring.pick(Balance::RoundRobin, &[], Some(&failed), 0).unwrap(), &failed));
    }
    let alone = Ring::new(vec![failed.clone()], 0);
    assert!(alone.pick(Balance::RoundRobin, &[], Some(&failed), 0).is_some());
}

#[test]
fn a_shunned_endpoint_is_passed_over_for_its_time() {
    let ring = ring();
    ring.endpoints[0].shunned_until.set(100);
    let at = |now| (0..6).any(|_| ring.pick(Balance::RoundRobin, &[], None, now).unwrap().address.port() == 1);
    assert!(!at(99));
    assert!(at(100));
}
