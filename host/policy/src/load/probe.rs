//! The probe at the end of a load: what fails here would fail on every request.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::cost::SLOW_START_EACH;
use super::{LoadError, imports};
use crate::deadline::thread_cpu_time;
use crate::failure::Failure;
use crate::host::Worker;
use crate::instance::{InitError, Instance};
use crate::policy::Policy;
use crate::source::Random;

/// Makes an instance: how long that takes, and its memory. The first of a process touches all pages: of two, the faster counts.
pub(super) fn measured(start: impl Fn() -> Result<usize, LoadError>) -> Result<(Duration, usize), LoadError> {
    // CPU time, so that a busy machine does not make a module slow.
    let time = || {
        let begun = thread_cpu_time();
        let memory_bytes = start()?;
        let took = thread_cpu_time().zip(begun).map_or(Duration::ZERO, |(now, begun)| now.saturating_sub(begun));
        Ok((took, memory_bytes))
    };
    let first = time()?;
    if first.0 < SLOW_START_EACH { Ok(first) } else { Ok(first.min(time()?)) }
}

/// Makes one instance and throws it away: what fails here would fail on every request. Gives its memory.
pub(super) fn probe(policy: &Policy) -> Result<usize, LoadError> {
    let Some(native) = policy.native() else { return Ok(0) };
    let worker = Rc::new(Worker::new(Random::System));
    let pulse = policy.engine.pulse();
    pulse.begin();
    let made = Instance::new(policy, native, &worker, Instant::now());
    pulse.end();
    match made {
        Ok(instance) => Ok(instance.store.data().limits.memory_bytes),
        Err(InitError::Refused(text)) => {
            let text = text.get(..text.floor_char_boundary(1000)).unwrap_or_default();
            Err(LoadError::new(
                "init",
                "spec.config",
                format!("init refuses the config: {text}"),
                "correct spec.config",
            ))
        }
        Err(InitError::Mistyped(text)) => Err(LoadError::new(
            "exports",
            "spec.module",
            format!("an export does not have the type of cardea:policy@{}: {text}", imports::VERSION),
            "build the module against the interface that this ingress ships",
        )),
        Err(InitError::Failed(failure)) => Err(not_started(failure)),
    }
}

pub(super) fn not_started(failure: Failure) -> LoadError {
    if failure == Failure::Memory {
        return LoadError::new(
            "limits",
            "spec.limits.memory",
            "the module needs more memory than limits.memory to start",
            "raise limits.memory",
        );
    }
    let message = format!("init {failure}");
    LoadError::new("init", "spec.module", message, "see what init does; `cardea policy run` shows it")
}
