//! Elections of several replicas against one Lease, with lost, late and doubled requests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;

use super::{Answer, Ask, Election, Held, Settings};

const NEVER: Timestamp = Timestamp::UNIX_EPOCH;

/// A Lease as the API server keeps it.
#[derive(Debug, Default)]
struct Server {
    lease: Option<Held>,
    versions: u64,
}

impl Server {
    fn answer(&mut self, ask: &Ask) -> Answer {
        match (ask, &self.lease) {
            (Ask::Read, Some(held)) => Answer::Found(held.clone()),
            (Ask::Read | Ask::Replace(_), None) => Answer::Absent,
            (Ask::Create(_), Some(_)) => Answer::Conflict,
            (Ask::Create(spec), None) => self.write(spec),
            (Ask::Replace(new), Some(held)) if new.resource_version == held.resource_version => self.write(&new.spec),
            (Ask::Replace(_), Some(_)) => Answer::Conflict,
        }
    }

    /// What changes nothing makes no new version.
    fn write(&mut self, spec: &LeaseSpec) -> Answer {
        if let Some(held) = self.lease.as_ref().filter(|held| held.spec == *spec) {
            return Answer::Found(held.clone());
        }
        self.versions += 1;
        let held = Held { resource_version: self.versions.to_string(), spec: spec.clone() };
        self.lease = Some(held.clone());
        Answer::Found(held)
    }

    fn holder(&self) -> Option<&str> {
        self.lease.as_ref()?.spec.holder_identity.as_deref()
    }
}

/// One request and its answer, without delay.
fn step(election: &mut Election, server: &mut Server, now: Instant) {
    let ask = election.ask(now, NEVER);
    let answer = server.answer(&ask);
    election.hear(&ask, now, now, answer);
}

/// Steps until it leads, and how long that took.
fn wins(election: &mut Election, server: &mut Server, mut now: Instant) -> Duration {
    let start = now;
    while !election.leads(now) {
        now += election.pause(now, 1.0);
        step(election, server, now);
        assert!(now < start + Duration::from_secs(60), "{election:?} never leads");
    }
    now - start
}

#[test]
fn the_first_to_come_creates_the_lease_and_leads() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    step(&mut one, &mut server, now);
    assert!(!one.leads(now));
    step(&mut one, &mut server, now);
    assert!(one.leads(now));
    assert_eq!(server.holder(), Some("one"));
}

#[test]
fn a_leader_that_vanishes_is_replaced_within_fifteen_seconds() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    let mut two = Election::new("two", Settings::default());
    let took = wins(&mut two, &mut server, now + Duration::from_secs(1));
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(took >= Duration::from_secs(9), "{took:?}: it did not wait for the lease to end");
    assert_eq!(server.lease.unwrap().spec.lease_transitions, Some(1));
}

#[test]
fn a_lease_that_is_given_back_is_taken_at_the_next_look() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    let mut two = Election::new("two", Settings::default());
    step(&mut two, &mut server, now);
    let ask = one.release(NEVER).unwrap();
    assert!(!one.leads(now));
    server.answer(&ask);
    let took = wins(&mut two, &mut server, now);
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn only_a_leader_has_a_lease_to_give_back() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    let mut two = Election::new("two", Settings::default());
    step(&mut two, &mut server, now);
    assert_eq!(two.release(NEVER), None);
}

#[test]
fn a_leader_that_cannot_renew_stops_leading_before_another_may_start() {
    let (mut server, now) = (Server::default(), Instant::now());
    let settings = Settings::default();
    let mut one = Election::new("one", settings.clone());
    wins(&mut one, &mut server, now);
    let until = one.leads_until().unwrap();
    let mut time = now;
    while time < until {
        let ask = one.ask(time, NEVER);
        one.hear(&ask, time, time, Answer::Failed);
        assert!(one.leads(time));
        let pause = one.pause(time, 0.0);
        assert!(pause >= Duration::from_millis(100), "{pause:?} between two tries of a server in trouble");
        time += pause;
    }
    assert!(!one.leads(until));
    assert!(until < now + settings.duration);
}

#[test]
fn a_leader_whose_lease_was_taken_stops_at_once() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    let thief = LeaseSpec { holder_identity: Some("thief".into()), ..LeaseSpec::default() };
    server.write(&thief);
    step(&mut one, &mut server, now);
    step(&mut one, &mut server, now);
    assert!(!one.leads(now));
    assert_eq!(server.holder(), Some("thief"));
}

#[test]
fn a_renewal_whose_answer_was_lost_is_found_out_and_leadership_goes_on() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    let later = now + Duration::from_secs(2);
    let ask = one.ask(later, NEVER);
    server.answer(&ask);
    one.hear(&ask, later, later, Answer::Failed);
    for _ in 0..3 {
        step(&mut one, &mut server, later);
    }
    assert!(one.leads(later));
    assert_eq!(one.leads_until(), Some(later + Settings::default().renew_deadline));
    assert_eq!(server.lease.unwrap().spec.lease_transitions, Some(0));
}

#[test]
fn clocks_on_the_wall_decide_nothing() {
    let (mut server, now) = (Server::default(), Instant::now());
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    // Written a year ago, as far as its times say; but it stands still only since we look at it.
    let mut two = Election::new("two", Settings::default());
    let in_a_year = Timestamp::from_second(31_536_000).unwrap();
    let ask = two.ask(now, in_a_year);
    let answer = server.answer(&ask);
    two.hear(&ask, now, now, answer);
    assert_eq!(two.ask(now + Duration::from_secs(8), in_a_year), Ask::Read);
}

#[test]
fn what_others_wrote_into_the_lease_is_kept() {
    let (mut server, now) = (Server::default(), Instant::now());
    server.write(&LeaseSpec { preferred_holder: Some("two".into()), ..LeaseSpec::default() });
    let mut one = Election::new("one", Settings::default());
    wins(&mut one, &mut server, now);
    assert_eq!(server.lease.unwrap().spec.preferred_holder.as_deref(), Some("two"));
}

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
enum Luck {
    Fine,
    /// It never arrives.
    LostThere,
    /// It is done, and the answer never arrives.
    LostBack,
}

#[derive(Debug, Clone, Copy)]
struct Fate {
    luck: Luck,
    /// Until the server does it, and until the answer is there, in milliseconds.
    there_ms: u64,
    back_ms: u64,
    chance: f64,
}

fn fate() -> impl Strategy<Value = Fate> {
    let luck = prop_oneof![6 => Just(Luck::Fine), 1 => Just(Luck::LostThere), 1 => Just(Luck::LostBack)];
    (luck, 0..900_u64, 0..900_u64, 0.0..1.0_f64).prop_map(|(luck, there_ms, back_ms, chance)| Fate {
        luck,
        there_ms,
        back_ms,
        chance,
    })
}

fn wall_us(number: usize) -> i64 {
    i64::try_from(number).unwrap() * 100_000_000_000_000
}

/// A replica between asking and hearing.
enum Stage {
    Resting { until: Instant },
    Asked { ask: Ask, sent: Instant, at: Instant, fate: Fate },
    Answered { ask: Ask, sent: Instant, at: Instant, answer: Answer },
}

struct Replica {
    election: Election,
    stage: Stage,
    fates: Vec<Fate>,
    asked: usize,
    wall_us: i64,
}

impl Replica {
    fn new(number: usize, fates: Vec<Fate>, start: Instant) -> Self {
        let election = Election::new(format!("replica-{number}"), Settings::default());
        Self { election, stage: Stage::Resting { until: start }, fates, asked: 0, wall_us: wall_us(number) }
    }

    /// A clock of its own, years from the others'.
    fn wall(&self) -> Timestamp {
        Timestamp::from_microsecond(self.wall_us + i64::try_from(self.asked).unwrap()).unwrap()
    }

    fn next_at(&self) -> Instant {
        match &self.stage {
            Stage::Resting { until } => *until,
            Stage::Asked { at, .. } | Stage::Answered { at, .. } => *at,
        }
    }

    fn advance(&mut self, server: &mut Server, now: Instant) {
        let stage = std::mem::replace(&mut self.stage, Stage::Resting { until: now });
        self.stage = match stage {
            Stage::Resting { .. } => {
                let fate = self.fates[self.asked % self.fates.len()];
                self.asked += 1;
                let at = now + Duration::from_millis(fate.there_ms);
                Stage::Asked { ask: self.election.ask(now, self.wall()), sent: now, at, fate }
            }
            Stage::Asked { ask, sent, at, fate } => {
                let (answer, waits_ms) = match fate.luck {
                    Luck::Fine => (server.answer(&ask), fate.back_ms),
                    Luck::LostThere => (Answer::Failed, 2_000 - fate.there_ms),
                    Luck::LostBack => {
                        server.answer(&ask);
                        (Answer::Failed, 2_000 - fate.there_ms)
                    }
                };
                Stage::Answered { ask, sent, at: at + Duration::from_millis(waits_ms), answer }
            }
            Stage::Answered { ask, sent, answer, .. } => {
                self.election.hear(&ask, sent, now, answer);
                let chance = self.fates[self.asked % self.fates.len()].chance;
                Stage::Resting { until: now + self.election.pause(now, chance) }
            }
        };
    }
}

proptest! {
    #[test]
    fn never_do_two_lead_at_once(fates in prop::collection::vec(prop::collection::vec(fate(), 5..40), 2..5)) {
        let (mut server, start) = (Server::default(), Instant::now());
        let mut replicas: Vec<Replica> =
            fates.into_iter().enumerate().map(|(number, fates)| Replica::new(number, fates, start)).collect();
        for _ in 0..600 {
            let at = replicas.iter().map(Replica::next_at).min().unwrap();
            let next = replicas.iter_mut().find(|replica| replica.next_at() == at).unwrap();
            next.advance(&mut server, at);
            let leading = replicas.iter().filter(|replica| replica.election.leads(at)).count();
            prop_assert!(leading <= 1, "{} lead", leading);
        }
    }

    #[test]
    fn somebody_leads_once_requests_get_through(
        fates in prop::collection::vec(prop::collection::vec(fate(), 5..20), 2..5),
        trouble in 1..200_usize,
    ) {
        let (mut server, start) = (Server::default(), Instant::now());
        let mut replicas: Vec<Replica> =
            fates.into_iter().enumerate().map(|(number, fates)| Replica::new(number, fates, start)).collect();
        let next = |replicas: &mut Vec<Replica>, server: &mut Server| {
            let at = replicas.iter().map(Replica::next_at).min().unwrap();
            replicas.iter_mut().find(|replica| replica.next_at() == at).unwrap().advance(server, at);
            at
        };
        let mut at = start;
        for _ in 0..trouble {
            at = next(&mut replicas, &mut server);
        }
        for replica in &mut replicas {
            for fate in &mut replica.fates {
                fate.luck = Luck::Fine;
            }
        }
        // What was on its way in trouble has two seconds to be given up.
        let by = at + Duration::from_secs(2 + 15);
        while !replicas.iter().any(|replica| replica.election.leads(at)) {
            at = next(&mut replicas, &mut server);
            prop_assert!(at < by, "nobody leads {:?} later", at - start);
        }
    }
}
