//! What the start of an instance costs, in its two halves: for authors, by making instances that are thrown away.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::abi::wasi_http::WasiHttp;
use crate::failure::Failure;
use crate::host::Worker;
use crate::instance::{self, InitError};
use crate::policy::{Kind, Native, Policy};
use crate::source::Random;

/// Of one start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartCost {
    /// Making the instance: its memories and tables, its globals, its `start` functions.
    pub instance: Duration,
    /// What runs in it before the first call: `init`, or what another ABI has in its place, if it has.
    pub init: Option<Duration>,
}

impl Policy {
    /// Starts an instance, and throws it away.
    ///
    /// # Errors
    /// It does not start, though one did when the policy was loaded.
    pub fn time_start(&self) -> Result<StartCost, Failure> {
        let worker = Rc::new(Worker::new(Random::System));
        let pulse = self.engine.pulse();
        pulse.begin();
        let cost = match &self.kind {
            Kind::Native(native) => self.time_native(native, &worker).map_err(InitError::failure),
            Kind::Foreign(module) => module.time_start(self, &worker),
            Kind::Server(server) => self.time_server(server),
        };
        pulse.end();
        cost
    }

    fn time_native(&self, native: &Native, worker: &Rc<Worker>) -> Result<StartCost, InitError> {
        let _seat = self.engine.take_seat().ok_or(Failure::Overloaded)?;
        let begun = Instant::now();
        let mut store = instance::store(self, worker);
        let made = instance::instantiate(&native.pre, &mut store)?;
        let instance = begun.elapsed();
        if native.initialised {
            return Ok(StartCost { instance, init: None });
        }
        instance::initialise(self, &made, &mut store, native.exports.init)?;
        Ok(StartCost { instance, init: Some(begun.elapsed().saturating_sub(instance)) })
    }

    /// Nothing runs in it before its exchange.
    fn time_server(&self, server: &WasiHttp) -> Result<StartCost, Failure> {
        let begun = Instant::now();
        server.probe(&self.engine, &self.spec, &self.shared)?;
        Ok(StartCost { instance: begun.elapsed(), init: None })
    }
}
