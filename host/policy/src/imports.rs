//! What a policy may call: one file an interface of `cardea:policy`, linked only where granted.

mod clock;
mod counters;
pub(crate) mod exchange;
mod kv_local;
mod log;
mod metrics;
mod random;
pub(crate) mod wasi;

use wasmtime::component::{Component, Linker};

use crate::copied::Interface;
use crate::host::Host;

/// The interface version that this host speaks. Lookups are semver-aware: a guest of any 0.1.x meets it.
pub(crate) const VERSION: &str = "0.1.0";

type Link = fn(&mut Interface<'_>) -> wasmtime::Result<()>;

/// Interfaces that need a grant, by name.
const GRANTED: [(&str, Link); 6] = [
    ("log", log::link),
    ("metrics", metrics::link),
    ("clock", clock::link),
    ("random", random::link),
    ("kv-local", kv_local::link),
    ("counters", counters::link),
];

/// Interfaces that every policy has.
pub(crate) const ALWAYS: [&str; 2] = ["types", "exchange"];

/// Whether a grant names an interface that exists.
pub(crate) fn is_known(interface: &str) -> bool {
    ALWAYS.contains(&interface) || GRANTED.iter().any(|(name, _)| *name == interface)
}

/// Interfaces with functions, in the order of the contract.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("exchange").chain(GRANTED.iter().map(|(name, _)| *name))
}

/// A linker with `exchange` and what is granted, the void that the component imports of WASI, and nothing else. With
/// `measures`, functions count what they copy.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    component: &Component,
    is_granted: impl Fn(&str) -> bool,
    measures: bool,
) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    let granted = wasi::Granted { log: is_granted("log"), random: is_granted("random") };
    wasi::link(&mut linker, component, engine, granted)?;
    let interface = |linker: &mut Linker<Host>, name: &str, link: Link| {
        link(&mut Interface { linked: linker.instance(&format!("cardea:policy/{name}@{VERSION}"))?, measures })
    };
    interface(&mut linker, "exchange", exchange::link)?;
    for (name, link) in GRANTED.iter().filter(|(name, _)| is_granted(name)) {
        interface(&mut linker, name, *link)?;
    }
    Ok(linker)
}
