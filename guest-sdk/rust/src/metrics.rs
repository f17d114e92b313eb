//! Series of a policy, exported as `cardea_policy_user_*`: at most 100. Needs the grant `metrics`.
//!
//! Make them in [`Policy::new`](crate::Policy::new) and keep them: making one by name is dearer than using it.

use crate::host::metrics as host;

#[derive(Debug, Clone, Copy)]
pub struct Counter(u32);

impl Counter {
    pub fn new(name: &str) -> Counter {
        Counter(host::counter(name))
    }

    pub fn add(&self, delta: u32) {
        host::add(self.0, i64::from(delta));
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Gauge(u32);

impl Gauge {
    pub fn new(name: &str) -> Gauge {
        Gauge(host::gauge(name))
    }

    pub fn set(&self, value: i64) {
        host::set(self.0, value);
    }

    pub fn add(&self, delta: i64) {
        host::add(self.0, delta);
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Histogram(u32);

impl Histogram {
    pub fn new(name: &str) -> Histogram {
        Histogram(host::histogram(name))
    }

    pub fn observe(&self, value: u64) {
        host::observe(self.0, value);
    }
}
