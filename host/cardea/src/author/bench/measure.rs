//! The measurements, in the order of a module's life: compiled, found in the cache, first request, and then many.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config::{Isolation, Limits, Policy};
use cardea_policy::ResponseHead;

use super::memory;
use super::report::{Bytes, Cold, Memory, Phases, Report};
use super::sample::{Bounds, Sample, repeat};
use crate::author::exchange::{Exchange, refused};
use crate::author::mistake::Mistake;
use crate::author::module::Module;
use crate::scenario::play::{Failed, Player, Timed};
use crate::scenario::stage::{DEADLINE, Stage};

const POOLED: Bounds =
    Bounds { warm_up: Duration::from_millis(200), time: Duration::from_millis(1000), count_max: 200_000 };
const ISOLATED: Bounds =
    Bounds { warm_up: Duration::from_millis(50), time: Duration::from_millis(500), count_max: 20_000 };
const STARTS: Bounds =
    Bounds { warm_up: Duration::from_millis(20), time: Duration::from_millis(200), count_max: 10_000 };
/// Instances whose memory is looked at together, since pages and allocators know nothing of one.
const INSTANCES: usize = 12;
/// How often; the middle one counts.
const BATCHES: usize = 3;
/// That are made before.
const INSTANCES_BEFORE: usize = 12;
/// Requests that each of them has answered by then.
const REQUESTS: usize = 200;

/// All that is measured of a module, in some three seconds and the time that it takes to compile.
pub fn module(module: &Module, spec: &Arc<Policy>, asked: &Exchange) -> Result<Report, Mistake> {
    let folder = tempfile::tempdir().map_err(|error| Mistake::unwritable(&std::env::temp_dir(), error))?;
    // The engine makes it, as it wants it.
    let cache = folder.path().join("code");
    let subject = Subject { module, asked, cache: &cache };
    // A busy machine is no reason for a call to end: its time is what is asked for.
    let limits = Limits { deadline: DEADLINE, ..spec.limits };
    let pooled = Arc::new(Policy { isolation: Isolation::Pooled, limits, ..Policy::clone(spec) });
    let isolated = Arc::new(Policy { isolation: Isolation::Request, ..Policy::clone(&pooled) });

    let (compile, _) = subject.load(&pooled, false)?;
    let code_bytes = folder_bytes(&cache);
    let (cached, (stage, mut player)) = subject.load(&pooled, false)?;
    let starts = repeat(STARTS, || player.time_start()).map_err(|failed| subject.failed(failed))?;
    let first = subject.again(&mut player)?;
    let times = repeat(POOLED, || subject.again(&mut player))?;
    let memory = subject.memory(&stage, &player)?;
    let (_, (_, mut player)) = subject.load(&isolated, false)?;
    let fresh = repeat(ISOLATED, || subject.again(&mut player))?;
    let (_, (_, mut player)) = subject.load(&pooled, true)?;
    let copied = subject.copied(&mut player)?;

    Ok(Report {
        file: module.path.display().to_string(),
        digest: cardea_policy::digest(&module.bytes),
        bytes: module.bytes.len(),
        code_bytes,
        decision: first.decision.map_or("none", |kind| kind.label()),
        cold: Cold {
            compile_ms: milliseconds(compile),
            cached_ms: milliseconds(cached),
            instance: Sample::of(starts.iter().map(|start| start.instance).collect()),
            init: Sample::of(starts.iter().filter_map(|start| start.init).collect()),
            first_request_us: first.request.as_secs_f64() * 1e6,
        },
        pooled: Sample::of(times.iter().map(|timed| timed.request).collect()),
        response: Sample::of(times.iter().filter_map(|timed| timed.response).collect()),
        isolated: Sample::of(fresh.iter().map(|timed| timed.request).collect()),
        host_calls: first.footprint.map(|footprint| footprint.host_calls),
        copied,
        memory,
        host: if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}

struct Subject<'a> {
    module: &'a Module,
    asked: &'a Exchange,
    cache: &'a Path,
}

impl Subject<'_> {
    /// On an engine of its own, as a process starts. The time is of compiling (or of reading what the cache has), linking, and
    /// the one instance that is tried.
    fn load(&self, spec: &Arc<Policy>, measures: bool) -> Result<(Duration, (Stage, Player)), Mistake> {
        let stage = Stage::measured(self.cache, measures)
            .map_err(|error| Mistake::usage(error.to_string(), "see that the machine lets a process map memory"))?;
        let start = Instant::now();
        let player = Player::start(&stage, spec, None).map_err(|error| refused(&self.module.path, &error))?;
        Ok((start.elapsed(), (stage, player)))
    }

    fn exchange(&self) -> Result<Box<cardea_policy::Exchange>, Mistake> {
        let exchange = self.asked.send.exchange();
        exchange.map_err(|what| Mistake::usage(format!("--request: {what}"), "docs/policy-testing.md has every key"))
    }

    fn head(&self) -> Result<ResponseHead, Mistake> {
        let head = self.asked.response.head();
        head.map_err(|what| {
            Mistake::usage(format!("--request: response.{what}"), "docs/policy-testing.md has every key")
        })
    }

    fn once(&self, player: &mut Player, exchange: &mut Box<cardea_policy::Exchange>) -> Result<Timed, Mistake> {
        let body = self.asked.send.body.as_deref().unwrap_or_default().as_bytes();
        let timed = player.time(exchange, body, self.head()?);
        timed.map_err(|failed| self.failed(failed))
    }

    fn failed(&self, Failed { label, message }: Failed) -> Mistake {
        let what = format!("{}: the policy failed ({label}): {message}", self.module.path.display());
        Mistake::policy(what, "see what it does with this request: `cardea policy run`")
    }

    /// With an exchange that nobody has edited yet.
    fn again(&self, player: &mut Player) -> Result<Timed, Mistake> {
        let mut exchange = self.exchange()?;
        self.once(player, &mut exchange)
    }

    /// Of one exchange, by an instance that has had one before. `None` where instances do not outlive their exchange.
    fn copied(&self, player: &mut Player) -> Result<Option<Phases>, Mistake> {
        self.again(player)?;
        let before = player.footprint();
        let timed = self.again(player)?;
        let after = player.footprint();
        // One that stays with its exchange until it has its answer is not to be seen between: then it is counted as one.
        let (Some(before), Some(middle)) = (before, timed.footprint.or(after)) else { return Ok(None) };
        Ok(Some(Phases {
            request: Bytes::between(&before, &middle),
            response: timed.footprint.and(timed.response).and(after).map(|after| Bytes::between(&middle, &after)),
        }))
    }

    /// Of one instance more, after some requests; of nothing where instances do not outlive their exchange.
    fn memory(&self, stage: &Stage, player: &Player) -> Result<Memory, Mistake> {
        let Some(footprint) = player.footprint() else {
            return Ok(Memory { private_dirty_bytes: None, linear_bytes: None });
        };
        // What the allocator still gives back of earlier work would hide what an instance takes; it does when it is at work.
        let mut players = self.instances(stage, player, INSTANCES_BEFORE)?;
        let mut grown = Vec::new();
        for _ in 0..BATCHES {
            let before = memory::private_dirty();
            players.extend(self.instances(stage, player, INSTANCES)?);
            grown.extend(memory::private_dirty().zip(before).map(|(after, before)| after.saturating_sub(before)));
        }
        grown.sort_unstable();
        Ok(Memory {
            private_dirty_bytes: grown.get(grown.len() / 2).map(|bytes| bytes / INSTANCES as u64),
            linear_bytes: Some(footprint.memory_bytes),
        })
    }

    /// So many workers more, each with an instance that has answered some requests.
    fn instances(&self, stage: &Stage, player: &Player, count: usize) -> Result<Vec<Player>, Mistake> {
        let mut players: Vec<Player> = (0..count).map(|_| player.beside(stage)).collect();
        for player in &mut players {
            for _ in 0..REQUESTS {
                self.again(player)?;
            }
        }
        Ok(players)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Of the files of the cache: there is one, the compiled module.
fn folder_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
