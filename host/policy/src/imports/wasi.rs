//! WASI 0.2 for policies that never meant to use it, but whose toolchain imports it: there, and empty.
//!
//! Nothing of the machine can be reached: no environment, no arguments, no files, no sockets; what asks for them gets an
//! empty list, none, or an error. Output goes to the policy's log, time is that of the interface `clock`, and random numbers
//! are the system's only where `random` is granted. A function that is not named here answers by its type (`void`), so any
//! 0.2.x is served. Only what a component imports is linked: a policy without WASI pays nothing.

pub(crate) mod clocks;
mod random;
mod stdio;
pub(crate) mod void;

pub(crate) use stdio::Output;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceType};
use wasmtime::{Engine, StoreContextMut};

use crate::host::{Host, TooManyCalls};

const PACKAGE: &str = "wasi:";

/// The interfaces of WASI 0.2 that are there, by package.
const KNOWN: [(&str, &[&str]); 6] = [
    (
        "cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("io", &["error", "poll", "streams"]),
    ("clocks", &["monotonic-clock", "wall-clock", "timezone"]),
    ("random", &["random", "insecure", "insecure-seed"]),
    ("filesystem", &["types", "preopens"]),
    (
        "sockets",
        &["network", "instance-network", "tcp", "tcp-create-socket", "udp", "udp-create-socket", "ip-name-lookup"],
    ),
];

/// A stream, a pollable, a network: what a guest holds a handle to. The number says which output, if it is one.
pub(crate) struct Void;

type Cx<'a> = StoreContextMut<'a, Host>;
type Handle = Resource<Void>;

/// What counts the host calls of a guest.
pub(crate) trait Quota: 'static {
    fn enter(&self) -> Result<(), TooManyCalls>;
}

impl Quota for Host {
    fn enter(&self) -> Result<(), TooManyCalls> {
        Host::enter(self)
    }
}

/// What of WASI a policy has beyond the void.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granted {
    pub log: bool,
    pub random: bool,
}

/// Ends a call of a guest that ends itself.
#[derive(Debug, thiserror::Error)]
#[error("the policy called exit")]
pub(crate) struct Exit;

/// Whether an import is of WASI, in whatever version.
pub(crate) fn is_wasi(import: &str) -> bool {
    import.starts_with(PACKAGE)
}

/// Whether an import of WASI is there: of a known interface, in 0.2.x.
pub(crate) fn is_known(import: &str) -> bool {
    interface(import).is_some()
}

pub(crate) fn interface(import: &str) -> Option<&str> {
    let (interface, version) = import.strip_prefix(PACKAGE)?.split_once('@')?;
    let patch = version.strip_prefix("0.2.")?;
    let is_number = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    let (package, name) = interface.split_once('/')?;
    let is_there = KNOWN.iter().any(|(known, names)| *known == package && names.contains(&name));
    (is_number && is_there).then_some(interface)
}

/// Links what a component imports of WASI.
pub(crate) fn link(
    linker: &mut Linker<Host>,
    component: &Component,
    engine: &Engine,
    granted: Granted,
) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let (Some(interface), ComponentItem::ComponentInstance(instance)) = (interface(name), &import.ty) else {
            continue;
        };
        let mut linked = linker.instance(name)?;
        for (function, export) in instance.exports(engine) {
            match &export.ty {
                ComponentItem::ComponentFunc(_) if named(&mut linked, interface, function, granted)? => {}
                ComponentItem::ComponentFunc(_) => linked.func_new(function, void::answer::<Host>)?,
                ComponentItem::Resource(_) => {
                    linked.resource(function, ResourceType::host::<Void>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Links a function that does more than its type says. False if there is none of that name.
fn named(
    linked: &mut LinkerInstance<'_, Host>,
    interface: &str,
    function: &str,
    granted: Granted,
) -> wasmtime::Result<bool> {
    match interface {
        "cli/stdout" | "cli/stderr" | "io/streams" => stdio::link(linked, function, granted.log),
        "clocks/monotonic-clock" | "clocks/wall-clock" => clocks::link(linked, interface, function),
        "random/random" | "random/insecure" | "random/insecure-seed" => random::link(linked, function, granted.random),
        "io/poll" => poll(linked, function),
        "cli/exit" => linked.func_new(function, |_, _, _, _| Err(Exit.into())).map(|()| true),
        _ => Ok(false),
    }
}

/// Whatever a guest waits for is ready at once: a policy cannot sleep. One that waits for a time spins until its deadline.
fn poll(linked: &mut LinkerInstance<'_, Host>, function: &str) -> wasmtime::Result<bool> {
    match function {
        "poll" => linked.func_new(function, void::all_ready::<Host>)?,
        "[method]pollable.ready" => linked.func_wrap(function, |cx: Cx<'_>, (_,): (Handle,)| {
            cx.data().enter()?;
            Ok((true,))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}
