//! What a module costs before it serves, and what of that an operator should know before a load shows it.

use std::time::Duration;

use cardea_model::config::{Isolation, Limits};
use wasmtime::component::Component;

use crate::policy::Policy;

/// An instance that takes longer to make is felt by the request that waits for it.
const SLOW_START: Duration = Duration::from_millis(1);
/// With an instance a request, much less is felt.
pub(super) const SLOW_START_EACH: Duration = Duration::from_micros(200);

/// Measured while a module loads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadCost {
    /// Compiling; next to nothing where the compiled module was kept.
    pub compile: Duration,
    /// Making one instance, and its `init`: CPU time.
    pub start: Duration,
    /// Linear memory of an instance after that.
    pub memory_bytes: usize,
    /// Machine code with its data.
    pub code_bytes: usize,
}

/// What is slow about a policy, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    pub message: String,
    pub remedy: &'static str,
}

impl LoadCost {
    pub(crate) fn of(component: &Component, compile: Duration, (start, memory_bytes): (Duration, usize)) -> Self {
        let code = component.image_range();
        Self { compile, start, memory_bytes, code_bytes: code.end.addr().saturating_sub(code.start.addr()) }
    }

    fn slow(&self, isolation: Isolation, limits: &Limits, is_snapshot: bool) -> Option<Slow> {
        let us = self.start.as_micros();
        if isolation == Isolation::Request && !is_snapshot && self.start > SLOW_START_EACH {
            let message = format!("each call makes an instance, and that takes {us} us");
            return Some(Slow { message, remedy: "use isolation: pooled, or a module that starts faster" });
        }
        if self.start > SLOW_START {
            let message =
                format!("an instance takes {us} us to make; each worker makes one, and another after a failure");
            let remedy = "do less in init, or initialise the module when it is built; keep isolation: pooled";
            return Some(Slow { message, remedy });
        }
        let (used, most) = (self.memory_bytes, limits.memory_bytes_max as usize);
        if used > most / 2 {
            let message = format!("an instance has {used} bytes of memory before its first call, of {most}");
            return Some(Slow { message, remedy: "raise limits.memory, so that calls have room" });
        }
        None
    }
}

impl Policy {
    /// What an operator should know of it before a load shows it.
    pub fn slow(&self) -> Option<Slow> {
        self.cost.slow(self.spec.isolation, &self.spec.limits, self.is_snapshot())
    }
}

#[cfg(test)]
mod tests;
